"""Written text: plain files, and JSON with a document on each line.

    books/genesis.txt    ->   Document("genesis-51c0…-9f3a…", text="In the beginning …\n\nAnd the earth …")
    web/000.jsonl        ->   Document("000-1f7a…-04be…", …), Document("000-1f7a…-c71d…", …), …

A document is one sample, cut only by the context. Files are listed as stretches of bytes, so that a huge one is read in
parallel and never whole; a document is whole in the stretch that it begins in (docs/text.md). Its key is made of its file's name and
of what it holds, never of its place: a document that is inserted changes no other's key.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import Field, PrivateAttr, model_validator

from weft.pipelines.parts.splits import Splits
from weft.pipelines.sources import base
from weft.pipelines.sources.base import Missing, folder_of, refused
from weft.pipelines.sources.common.files import File, ending_of, walk
from weft.pipelines.sources.common.wrong_run import WrongRun
from weft.pipelines.sources.textfiles.boundaries import LINE, PARAGRAPH, WINDOW, Delimiter, separator_pattern
from weft.pipelines.sources.textfiles.cutting import cleaned, pieces
from weft.pipelines.sources.textfiles.entries import TextEntry, json_entry, plain_entry
from weft.pipelines.sources.textfiles.stretches import RawDocument, raw_documents
from weft.pipelines.storage.store import Store
from weft.schemas.facts import Facts
from weft.schemas.fingerprint import hash64
from weft.schemas.item import Item, key_for
from weft.schemas.ledger import Reject, Unusable
from weft.schemas.limits import EntryLimits
from weft.schemas.settings import NOT_IN_FINGERPRINT
from weft.schemas.splits import Kind
from weft.schemas.text import Document

JSON_LINES = (".jsonl", ".jsonl.gz")
ENDINGS = (".txt", ".txt.gz", *JSON_LINES)
BYTES_A_CHARACTER = 4  # at most, in UTF-8
BYTE_ORDER_MARK = 3  # bytes
LONGEST_LINE = 1 << 24  # bytes of JSON, unless `longest` is set to more
BYTES_A_RECORD = 8192  # of text, when parts are cut: a part of 1,000 holds about 8 MB
EXPANSION = 3  # bytes of text in one of gzip, about


class Source(base.Source):
    """`path` is a .txt or .jsonl file, either as .gz, a folder of them, or a url.

    `documents`: a .txt file is one document (`file`), or each of its paragraphs is (`paragraph`: blank lines part them).
    `separator` is a text that parts the documents of a .txt file instead. `field` holds the text of a .jsonl line.
    Documents above `longest` characters are cut; `stretch` is the bytes read at a time where documents are short. A .gz that expands to
    more than `expanded` bytes, which are in memory as a whole, is a reject. A file that cannot be read, or a document that names an
    image that cannot, keeps its part from being made (`missing: fail`), or is rejected and asked for again by every build (`reject`).
    `limits` say how many documents in a row may be wrong.

    The items that can be held out are its documents. A document's name is its text: a place in a file does not survive an edit
    before it, and two that are alike must not lie in two splits.
    """

    can_hold_out: ClassVar[tuple[Kind, ...]] = ("items",)

    path: Annotated[str, NOT_IN_FINGERPRINT]
    documents: Literal["file", "paragraph"] = "file"
    separator: str = ""
    field: str = "text"
    stretch: int = Field(default=1 << 18, ge=1 << 10, le=1 << 26)
    longest: int = Field(default=1_000_000, ge=100, le=1 << 24)
    expanded: int = Field(default=1 << 28, ge=1 << 10, le=1 << 36)
    missing: Annotated[Missing, NOT_IN_FINGERPRINT] = "fail"
    limits: EntryLimits = EntryLimits()
    _passed: Counter[str] = PrivateAttr(default_factory=Counter)

    @model_validator(mode="after")
    def _one_way_to_part_documents(self) -> "Source":
        if self.separator and self.documents == "paragraph":
            raise ValueError("`separator` parts the documents of a file already: leave `documents: paragraph` out")
        return self

    @property
    def makes(self) -> type:
        return Document

    def version(self) -> str:
        return "2"

    def size_of(self, item: Item) -> float:
        expanded = item.length * (EXPANSION if item.path.lower().endswith(".gz") else 1)
        return max(1.0, expanded / BYTES_A_RECORD)

    def location(self) -> str:
        return folder_of(self.path)

    def items(self, name: str) -> Iterator[Item]:
        self._passed.clear()
        for file in walk(self.path):
            if file.path.lower().endswith(ENDINGS):
                yield from self._stretches(name, file)
            else:
                self._passed[ending_of(file)] += 1

    def passed_over(self) -> dict[str, int]:
        return dict(self._passed)

    def _stretches(self, name: str, file: File) -> Iterator[Item]:
        size = self._stretch_size(file)
        for begin in range(0, max(file.size, 1), size):
            path = f"{file.path}@{begin}" if begin else file.path
            yield Item(
                key=key_for(name, path), source=name, path=path, uri=file.uri, stamp=file.stamp, offset=begin,
                length=min(size, file.size - begin),
            )  # fmt: skip

    def _stretch_size(self, file: File) -> int:
        """Bytes; a compressed file is one stretch, and so is a file that may be one document."""
        name = file.path.lower()
        if name.endswith(".gz"):
            return max(1, file.size)
        if name.endswith(JSON_LINES) or self.documents == "paragraph":
            return self.stretch
        return max(self.stretch, BYTES_A_CHARACTER * self.longest + BYTE_ORDER_MARK)

    @property
    def field_names(self) -> frozenset[str] | None:
        return None if self.names_splits else frozenset()

    @property
    def names_splits(self) -> bool:
        return not self.path.lower().endswith((".txt", ".txt.gz"))  # lines of JSON may

    @property
    def lists_facts(self) -> bool:
        return self.field_names is None

    def facts_of(self, item: Item, store: Store) -> Iterator[Facts]:
        try:
            for record in self.read(item, store):
                if isinstance(record, Document):
                    yield Facts(fields=frozenset(field.name for field in record.fields), has_text=True)
        except Unusable:
            return

    def named(self, item: Item, splits: Splits) -> None:
        """Only reading shows the documents."""

    def read(self, item: Item, store: Store) -> Iterator[Document | Reject]:
        """Raises Unusable."""
        is_empty, wrong = True, WrongRun(item.path, self.limits.faults_in_a_row)
        for raw in raw_documents(item, store, self._delimiter(item), self.expanded):
            is_usable = False
            for output in self._documents(item, raw) if raw.data.strip() else ():
                is_empty, is_usable = False, isinstance(output, Document)
                yield output
            if raw.data.strip() and wrong.is_over(is_usable):
                yield refused(item, wrong.fault)
                return
        if is_empty:
            raise Unusable("empty_file", "no text in it")

    def _delimiter(self, item: Item) -> Delimiter:
        reach = BYTES_A_CHARACTER * self.longest + WINDOW
        if _is_json(item):
            return Delimiter(pattern=LINE, reach=max(reach, LONGEST_LINE), soft=False)
        if self.separator:
            width = 2 * len(self.separator.encode())  # a newline may have two bytes
            return Delimiter(pattern=separator_pattern(self.separator), reach=reach + width, width=width)
        if self.documents == "paragraph":
            return Delimiter(pattern=PARAGRAPH, reach=reach)
        return Delimiter(pattern=PARAGRAPH, reach=WINDOW, splits=False)

    def _documents(self, item: Item, raw: RawDocument) -> Iterator[Document | Reject]:
        try:
            entry = json_entry(raw, self.field) if _is_json(item) else plain_entry(raw)
        except Unusable as fault:
            yield refused(item, fault)
            return
        texts = list(pieces(cleaned(entry.text), self.longest))
        if len(texts) > 1:
            entry = replace(entry, fields=())  # a question about the whole is none about a piece
        for number, text in enumerate(texts):
            yield self._document(item, replace(entry, text=text), f"-{number}" if len(texts) > 1 else "")

    def _document(self, item: Item, entry: TextEntry, ending: str) -> Document:
        """The key is a hash of the document's fields, not of its place; identical documents share one key."""
        path = _file_of(item)
        return Document(
            key=f"{key_for(item.source, path)}-{hash64(*_parts(entry)):016x}{ending}",
            source=item.source,
            text=entry.text,
            language=entry.language or self.language,
            licence=entry.licence or self.licence,
            split=entry.split,
            path=f"{path}#{entry.id}" if entry.id else path,
            fields=entry.fields,
        )


def _parts(entry: TextEntry) -> list[str]:
    """What makes a document's key."""
    named = (part for field in entry.fields for part in (field.name, field.value))
    return [entry.text, entry.id, entry.language, entry.licence, entry.split, *named]


def _file_of(item: Item) -> str:
    """The name of the file that an item is a stretch of."""
    return item.path.removesuffix(f"@{item.offset}") if item.offset else item.path


def _is_json(item: Item) -> bool:
    return _file_of(item).lower().endswith(JSON_LINES)
