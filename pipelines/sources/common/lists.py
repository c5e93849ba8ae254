"""Lists that name items, a line each: manifests, cuts, tables and urls, plain or .gz, read within limits.

for number, line in numbered_lines("cuts.jsonl.gz", 1 << 24):   1, '{"id": …}'     or 2, Unusable("too_long", "cuts.jsonl.gz line 2: …")

What cannot be read of a list is listed too, as an item that is rejected with the reason: `wrong_item`.
"""

import gzip
import io
import json
import os
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, TextIO, cast

from weft.pipelines.audio.opening import regular
from weft.schemas.item import Item, key_for
from weft.schemas.ledger import Unusable

EXPANSION = 400  # bytes that a byte of gzip may expand to; text has about ten, zeros a thousand
BROKEN_GZIP = (gzip.BadGzipFile, EOFError, zlib.error)
_SLACK = 1 << 26  # bytes that any gzip may expand to
_WRONG = "wrong"  # stamp of an item that reports a fault of a list


def gzip_fault(error: Exception) -> str:
    """What is wrong with a .gz, in words."""
    if isinstance(error, EOFError):
        return "it breaks off"
    is_checksum = isinstance(error, gzip.BadGzipFile) and "check" in str(error).lower()
    return "its checksum is wrong" if is_checksum else "what it holds is no gzip, or was changed"


def open_list(path: str) -> TextIO:
    """As text; a .gz is expanded. Raises Unusable for a pipe or a device, and OSError."""
    if os.path.exists(path):
        regular(path)
    file: BinaryIO = open(path, "rb")  # noqa: SIM115 - the caller closes it
    if path.endswith(".gz"):
        file = cast(BinaryIO, io.BufferedReader(_Expanded(file, os.path.basename(path)), 1 << 16))
    return io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace")


class _Expanded(io.RawIOBase):
    """A .gz as it expands. Raises Unusable where that is more than text can be: a few kilobytes unfold to gigabytes."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file, self._name, self._length = file, name, 0
        self._gzip = gzip.GzipFile(fileobj=file)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        length = self._gzip.readinto(buffer)
        self._length += length
        if self._length > _SLACK + EXPANSION * self._file.tell():
            raise Unusable("too_long", f"{self._name} expands to more than {EXPANSION} times its size")
        return length

    def close(self) -> None:
        self._file.close()
        super().close()


def numbered_lines(path: str, longest: int) -> Iterator[tuple[int, str | Unusable]]:
    """Lines that hold something, and in the place of one that cannot be read, or has more than `longest` characters, why not.

    Raises Unusable and OSError as `open_list`.
    """
    number, name = 0, os.path.basename(path)
    with open_list(path) as file:
        try:
            for number, line in enumerate(_bounded(file, longest), 1):
                if line is None:
                    yield number, Unusable("too_long", f"{name} line {number} has more than {longest:,} characters")
                elif line.strip():
                    yield number, line
        except Unusable as fault:
            yield number + 1, fault
        except BROKEN_GZIP as error:
            yield number + 1, Unusable("broken_gzip", f"{name}: {gzip_fault(error)}")


def _bounded(file: TextIO, longest: int) -> Iterator[str | None]:
    """The lines; None for one that is too long, which is passed over and never held whole."""
    while line := file.readline(longest + 1):
        rest = line
        while len(rest) > longest and not rest.endswith("\n"):
            rest = file.readline(longest + 1)
        yield line if rest is line else None


def whole_list(path: str, longest: int) -> str:
    """A list that is one JSON value. Raises Unusable where it has more than `longest` characters, or breaks off; and as `open_list`."""
    name = os.path.basename(path)
    try:
        with open_list(path) as file:
            text = file.read(longest + 1)
    except BROKEN_GZIP as error:
        raise Unusable("broken_gzip", f"{name}: {gzip_fault(error)}") from None
    if len(text) > longest:
        raise Unusable("too_long", f"{name} has more than {longest:,} characters; write it as .jsonl, an entry a line")
    return text


def wrong_item(source: str, path: str, fault: Unusable) -> Item:
    """An item that is rejected for this fault."""
    payload = json.dumps([fault.reason, fault.detail])
    return Item(key=key_for(source, path), source=source, path=path, uri="", stamp=_WRONG, payload=payload)


def check_item(item: Item) -> None:
    """Raises Unusable for what `wrong_item` gave."""
    if item.stamp == _WRONG and not item.uri:
        reason, detail = json.loads(item.payload)
        raise Unusable(reason, detail)
