"""The length that an audio file's header declares, and whether it can be true; nothing is decoded.

sized(file)        Sized(field=40, width=4, order="little", start=44, size=0)      a WAV of a recorder that was killed
whole(file)        the same file with the length that is really there
"""

import io
import os
import struct
from dataclasses import dataclass
from typing import BinaryIO, Literal, cast

from weft.pipelines.audio.trailing import end_of_samples

_HEAD = 1 << 20  # bytes in which the chunk of samples must begin
_KINDS = (b"RIFF", b"RF64", b"BW64", b"FORM", b"caff", b".snd", b"riff")  # which declare their samples so
_UNKNOWN = ((0, 0), (0x7FFFF000, 0x80001000), (0xFFFFF000, 0xFFFFFFFF), (2**63 - 2**20, 2**64))  # sizes that mean none
_SLACK = 64  # bytes behind the samples that may be padding or a chunk's beginning
_W64_DATA = b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"


@dataclass(frozen=True, slots=True)
class Sized:
    """`size` bytes of samples from byte `start` on, as the number of `width` bytes at `field` declares (`extra` more count)."""

    field: int
    width: int
    order: Literal["big", "little"]
    start: int
    size: int
    extra: int = 0

    def is_known(self) -> bool:
        return not any(low <= self.size <= high for low, high in _UNKNOWN)

    @property
    def layout(self) -> str:
        """That of the name and the size of a chunk: CAF has sizes of 64 bits."""
        return ">4sQ" if self.extra == 4 else ">4sI" if self.order == "big" else "<4sI"

    def with_size(self, size: int) -> bytes:
        return min(size + self.extra, 256**self.width - 1).to_bytes(self.width, self.order)


def length_of(file: BinaryIO) -> int:
    """Bytes of a file, from wherever it stands; it is at its beginning afterwards."""
    length = file.seek(0, os.SEEK_END)
    file.seek(0)
    return length


def sized(file: BinaryIO) -> Sized | None:
    """Where a wav, rf64, w64, aiff, au or caf declares its samples; None for other files."""
    try:
        return _sized(_head(file))
    except struct.error:  # it ends within a chunk's header
        return None


def _head(file: BinaryIO) -> bytes:
    """Its first bytes, in which the chunk of samples must begin; of other kinds of files, which are most, a few. Rewinds the file."""
    file.seek(0)
    head = file.read(16)
    if head[:4] in _KINDS:
        head += file.read(_HEAD - len(head))
    file.seek(0)
    return head


def _sized(head: bytes) -> Sized | None:
    kind, form = head[:4], head[8:12]
    if kind in (b"RIFF", b"RF64", b"BW64") and form == b"WAVE":
        samples = _data_chunk(head)
        place = chunk(head, 12, "<4sI", b"ds64")
        if kind != b"RIFF" and place is not None and samples is not None and samples[1] == 0xFFFFFFFF:
            (size,) = struct.unpack_from("<Q", head, place[0] + 8)
            return Sized(field=place[0] + 8, width=8, order="little", start=samples[0], size=size)
        if samples is None:
            return None
        start, size = samples
        return Sized(field=start - 4, width=4, order="little", start=start, size=size)
    if kind == b"FORM" and form in (b"AIFF", b"AIFC"):
        samples = chunk(head, 12, ">4sI", b"SSND")
        return (
            Sized(
                field=samples[0] - 4, width=4, order="big", start=samples[0] + 8, size=max(0, samples[1] - 8), extra=8
            )
            if samples
            else None
        )
    if kind == b"caff":
        samples = chunk(head, 8, ">4sQ", b"data")
        return (
            Sized(
                field=samples[0] - 8,
                width=8,
                order="big",
                start=samples[0] + 4,
                size=samples[1] - 4 if 4 <= samples[1] < 2**63 else 0,
                extra=4,
            )
            if samples
            else None
        )
    if kind == b".snd":
        start, size = struct.unpack_from(">II", head, 4)
        return Sized(field=8, width=4, order="big", start=start, size=size)
    if kind == b"riff" and (at := head.find(_W64_DATA)) > 0:
        (size,) = struct.unpack_from("<Q", head, at + 16)
        return Sized(field=at + 16, width=8, order="little", start=at + 24, size=max(0, size - 24), extra=24)
    return None


def _data_chunk(head: bytes) -> tuple[int, int] | None:
    """Of two that follow each other, the first of which is empty, the second."""
    first = chunk(head, 12, "<4sI", b"data")
    second = chunk(head, first[0], "<4sI", b"data") if first and not first[1] else None
    return second or first


def chunk(head: bytes, at: int, layout: str, name: bytes) -> tuple[int, int] | None:
    """Where the chunk's content begins, and its size."""
    while at + struct.calcsize(layout) <= len(head):
        called, size = struct.unpack_from(layout, head, at)
        at += struct.calcsize(layout)
        if called == name:
            return at, size
        at += size + (size % 2 if layout != ">4sQ" else 0)
    return None


def shortage(file: BinaryIO) -> str:
    """A message where the file has fewer bytes than its header declares, or where a second file follows; else ""."""
    declared, length = sized(file), length_of(file)
    if at := second(file):
        return f"a second file begins at byte {at:,} of {length:,}, and would not be read: split them"
    if (
        declared is None or not declared.is_known() or declared.start + declared.size <= length + 1
    ):  # a byte of padding is often left out
        return ""
    return f"its header declares {declared.size:,} bytes of samples, and {max(0, length - declared.start):,} are there"


def second(file: BinaryIO) -> int:
    """The byte at which another wav, aiff, au, caf, w64 or mp4 begins, as in files that were put end to end; 0 where none does."""
    declared, length = sized(file), length_of(file)
    if declared is None:
        return _second_mp4(file, length)
    at = declared.start + declared.size if declared.is_known() else length
    while at + 16 <= length:
        at += at % 2 if declared.extra != 4 and declared.field != 8 else 0
        file.seek(at)
        head = file.read(16)
        if _begins(head):
            return at
        if declared.field == 8 or declared.extra == 24:  # au and w64: no such chunks follow
            break
        at += struct.calcsize(declared.layout) + struct.unpack_from(declared.layout, head)[1]
    file.seek(0)
    return 0


def _begins(head: bytes) -> bool:
    is_chunked = head[:4] in (b"RIFF", b"RF64", b"BW64", b"FORM") and head[8:12] in (b"WAVE", b"AIFF", b"AIFC")
    return is_chunked or head[:4] == b".snd" or head[:8] == b"caff\0\x01\0\0" or head[:8] == b"riff.\x91\xcf\x11"


def _second_mp4(file: BinaryIO, length: int) -> int:
    """Where a second `ftyp` box begins."""
    at, seen = 0, False
    while at + 16 <= length:
        file.seek(at)
        size, kind, long = struct.unpack(">I4sQ", file.read(16))
        if kind == b"ftyp" and seen:
            file.seek(0)
            return at
        if not seen and kind != b"ftyp":
            break
        seen, at = True, at + (long if size == 1 else size or length)
    file.seek(0)
    return 0


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
    head = _head(file)
    first = chunk(head, 12, "<4sI", b"data") if head[:4] == b"RIFF" else None
    return first[0] - 8 if first and first != _data_chunk(head) else 0


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
    is_chunks = name[:3] in (b"ID3", b"TAG") or _is_zero(file, at) or _is_walked(file, declared, at, length)
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


def _is_zero(file: BinaryIO, at: int) -> bool:
    """Whether nothing but zeros follows: padding, or silence that nobody misses."""
    file.seek(at)
    while block := file.read(1 << 20):
        if block.strip(b"\0"):
            return False
    return True


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
