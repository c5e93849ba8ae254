"""Files whose header does not know their length, or declares too little: read with the length that is really there.

whole(file)        the file of a recorder that was killed, with a header that says all of it
"""

import io
import os
import struct
from typing import BinaryIO, cast

from weft.pipelines.audio.headers import Sized, chunk, data_chunk, head_of, length_of, sized
from weft.pipelines.audio.trailing import end_of_samples
from weft.pipelines.audio.unread import is_zero

_SLACK = 64  # bytes behind the samples that may be padding or a chunk's beginning


def whole(file: BinaryIO) -> BinaryIO:
    """The file; where its header does not know the length or declares less than is there, with one that says all of it."""
    if at := _empty_chunk(file):
        file = cast(BinaryIO, Mended(file, at, b"JUNK"))
    declared, length = sized(file), length_of(file)
    if declared is None:
        return file
    there = (length if declared.is_known() else _end_of(file, declared, length)) - declared.start
    if there <= 0 or (declared.is_known() and (declared.size >= there - _SLACK or _is_chunks(file, declared, length))):
        return file
    return cast(BinaryIO, Mended(file, declared.field, declared.with_size(there)))


def _empty_chunk(file: BinaryIO) -> int:
    """Where the name stands of an empty chunk of samples that another follows, as no decoder reads it; 0 where there is none."""
    head = head_of(file)
    first = chunk(head, 12, "<4sI", b"data") if head[:4] == b"RIFF" else None
    return first[0] - 8 if first and first != data_chunk(head) else 0


def _end_of(file: BinaryIO, declared: Sized, length: int) -> int:
    """Where samples of unknown length end; only wav, rf64 and aiff have more behind them."""
    if declared.extra in (4, 24) or declared.field == 8:
        return length
    return end_of_samples(file, declared.start, declared.layout)


def _is_chunks(file: BinaryIO, declared: Sized, length: int) -> bool:
    """Whether what follows the samples is tags, padding or chunks that end with the file; else samples the header leaves out."""
    at = declared.start + declared.size
    at += at % 2 if declared.extra != 4 and declared.field != 8 else 0  # caf and au do not pad
    if declared.extra == 24:
        return True  # w64 has sizes of 64 bits, which do not overflow
    file.seek(at)
    name = file.read(4)
    is_chunks = name[:3] in (b"ID3", b"TAG") or is_zero(file, at) or _is_walked(file, declared, at, length)
    file.seek(0)
    return is_chunks


def _is_walked(file: BinaryIO, declared: Sized, at: int, length: int) -> bool:
    layout = declared.layout
    while declared.field != 8 and at + struct.calcsize(layout) <= length:
        file.seek(at)
        name, size = struct.unpack(layout, file.read(struct.calcsize(layout)))
        at += struct.calcsize(layout) + size + (size % 2 if declared.extra != 4 else 0)
        if at > length + 1 or not all(32 <= c < 127 for c in name):
            return False
    return at >= length - _SLACK


class Mended(io.RawIOBase):
    """A file with a few bytes of it replaced."""

    def __init__(self, file: BinaryIO, at: int, new: bytes) -> None:
        self._file, self._at, self._new = file, at, new

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def]
        first = self._file.tell()
        data = bytearray(self._file.read(len(buffer)))
        for n, byte in enumerate(self._new, self._at - first):
            if 0 <= n < len(data):
                data[n] = byte
        buffer[: len(data)] = data
        return len(data)
