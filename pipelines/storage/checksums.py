"""Checksums of a whole Parquet file inside its own footer: any flipped bit is noticed.

    weft.checksums   32 hex digits over all before the footer, 32 over the footer (in which they count as blanks)

Pages carry checksums of their own, which every read verifies. The footer has none in the format, so this is verified
whenever a part is opened; the first half is for the deep audit, which reads files whole.
"""

import hashlib
import os
from collections.abc import Iterator
from typing import BinaryIO

KEY = "weft.checksums"
_HALF = 32
BLANK = "-" * 2 * _HALF  # stands in the footer until the checksums are known
_BLOCK = 1 << 22  # bytes read at a time
_TAIL = 8  # bytes: the footer's length and the magic


def add_checksums(data: bytearray) -> None:
    """Puts the checksums in the place of `BLANK` in a Parquet file's bytes."""
    begin = len(data) - _footer_length(bytes(data[-_TAIL:]))
    place = data.rindex(BLANK.encode(), begin)
    data[place : place + _HALF] = _hash(memoryview(data)[:begin])
    data[place + _HALF : place + 2 * _HALF] = _hash(memoryview(data)[begin:])


def add_checksums_to(path: str) -> None:
    """The same to a file that was written a piece at a time; memory is that of its footer."""
    with open(path, "rb+") as file:
        begin, footer = _split(file)
        place = footer.rindex(BLANK.encode())
        footer[place : place + _HALF] = _hash_until(file, begin)
        footer[place + _HALF : place + 2 * _HALF] = _hash(memoryview(footer))
        file.seek(begin)
        file.write(footer)


def _split(file: BinaryIO) -> tuple[int, bytearray]:
    """Where the footer begins, and the footer."""
    size = file.seek(0, os.SEEK_END)
    file.seek(size - _TAIL)
    begin = file.seek(size - _footer_length(file.read(_TAIL)))
    return begin, bytearray(file.read())


def footer_matches(file: BinaryIO, size: int, checksums: bytes) -> bool:
    """Whether the footer is the one that was written."""
    file.seek(size - _TAIL)
    file.seek(size - _footer_length(file.read(_TAIL)))
    footer = file.read()
    half = checksums[_HALF:]
    return len(checksums) == 2 * _HALF and _hash(footer.replace(checksums, checksums[:_HALF] + b"-" * _HALF)) == half


def content_of_file_matches(file: BinaryIO, checksums: bytes) -> bool:
    """Whether all before the footer is what was written, read a block at a time."""
    begin, _ = _split(file)
    return _hash_until(file, begin) == checksums[:_HALF]


def _footer_length(tail: bytes) -> int:
    return int.from_bytes(tail[:4], "little") + _TAIL


def _hash_until(file: BinaryIO, end: int) -> bytes:
    hasher = hashlib.blake2b(digest_size=_HALF // 2)
    for block in _blocks(file, end):
        hasher.update(block)
    return hasher.hexdigest().encode()


def _blocks(file: BinaryIO, end: int) -> Iterator[bytes]:
    file.seek(0)
    while end > 0 and (block := file.read(min(_BLOCK, end))):
        end -= len(block)
        yield block


def _hash(data: bytes | memoryview) -> bytes:
    return hashlib.blake2b(data, digest_size=_HALF // 2).hexdigest().encode()
