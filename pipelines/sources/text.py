"""Plain text files: a document a paragraph.

    books/genesis.txt   ->   Document("genesis-51c0…-00012", text="In the beginning …")

A file is listed as stretches of bytes, each ending where a paragraph does, so that a huge file is read in parallel and
never whole. Stretches cover the file once: the end of one is the beginning of the next, found by the same rule.
"""

import re
from collections.abc import Iterator
from typing import Annotated, BinaryIO

from pydantic import Field

from weft.pipelines.sound import regular
from weft.pipelines.sources import base
from weft.pipelines.sources.base import folder_of
from weft.pipelines.sources.files import File, clean, walk
from weft.pipelines.store import Store
from weft.schemas.item import Item, key_for
from weft.schemas.ledger import Reject, Unusable
from weft.schemas.settings import NOT_IDENTITY
from weft.schemas.text import Document

_PARAGRAPH_END = re.compile(rb"\n\r?\n")
_LETTER_BEGIN = re.compile(rb"(?=[^\x80-\xbf])")
LOOK = 1 << 16  # bytes searched for the end of a paragraph before any space will do


class Source(base.Source):
    """`path` is a file, a folder of .txt files or a url. Paragraphs above `longest` characters are cut at a space."""

    path: Annotated[str, NOT_IDENTITY]
    stretch: int = Field(default=1 << 18, ge=1 << 10)
    longest: int = Field(default=2000, ge=100)

    @property
    def makes(self) -> type:
        return Document

    def location(self) -> str:
        return folder_of(self.path)

    def items(self, name: str) -> Iterator[Item]:
        for file in walk(self.path):
            if file.path.lower().endswith(".txt"):
                yield from self._stretches(name, file)

    def _stretches(self, name: str, file: File) -> Iterator[Item]:
        for begin in range(0, max(file.size, 1), self.stretch):
            path = f"{file.path}@{begin}" if begin else file.path
            yield Item(
                key_for(name, path), name, path, file.uri, file.stamp, begin, min(self.stretch, file.size - begin)
            )

    def read(self, item: Item, store: Store) -> Iterator[Document | Reject]:
        pieces = 0
        for paragraph in _read_stretch(item, store).replace(b"\r\n", b"\n").split(b"\n\n"):
            for text in self._texts(paragraph):
                if text is None:
                    yield Reject(item.key, "ingest", item.source, item.path, "not_utf8", repr(paragraph[:60]), 0.0)
                else:
                    yield Document(f"{item.key}-{pieces:05d}", item.source, text, self.language, self.licence)
                pieces += 1
        if not pieces:
            yield Reject(item.key, "ingest", item.source, item.path, "empty_file", "no text in it", 0.0)

    def _texts(self, paragraph: bytes) -> Iterator[str | None]:
        try:
            text = clean(paragraph.decode("utf-8-sig"))
        except UnicodeDecodeError:
            yield None
            return
        while len(text) > self.longest:
            cut = text.rfind(" ", 1, self.longest)
            cut = cut if cut > 0 else self.longest
            yield text[:cut]
            text = text[cut:].strip()
        if text:
            yield text


def _read_stretch(item: Item, store: Store) -> bytes:
    with _opened(item, store) as file:
        begin = _boundary(file, item.offset) if item.offset else 0
        end = _boundary(file, item.offset + item.length)
        file.seek(begin)
        return file.read(end - begin)


def _opened(item: Item, store: Store) -> BinaryIO:
    if not item.uri:
        raise Unusable("bad_name", "its name is not UTF-8; rename it")
    if (uri := store.located(item.uri)).startswith("/"):
        regular(uri)
    try:
        return store.open(uri)
    except OSError as error:
        raise Unusable("unreadable", f"{error.strerror or error}") from None


def _boundary(file: BinaryIO, position: int) -> int:
    """The first byte after the paragraph (else line, else word, else letter) that `position` lies in."""
    file.seek(position)
    window = file.read(LOOK)
    found = _PARAGRAPH_END.search(window)
    if not found and len(window) < LOOK:
        return position + len(window)
    found = found or re.search(rb"\n", window) or re.search(rb" ", window) or _LETTER_BEGIN.search(window)
    return position + (found.end() if found else 0)
