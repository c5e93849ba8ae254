"""The length that an audio file's header declares; nothing is decoded.

sized(file)        Sized(field=40, width=4, order="little", start=44, size=0)      a WAV of a recorder that was killed
"""

import os
import struct
from dataclasses import dataclass
from typing import BinaryIO, Literal

_HEAD = 1 << 20  # bytes in which the chunk of samples must begin
_KINDS = (b"RIFF", b"RF64", b"BW64", b"FORM", b"caff", b".snd", b"riff")  # which declare their samples so
_UNKNOWN = ((0, 0), (0x7FFFF000, 0x80001000), (0xFFFFF000, 0xFFFFFFFF), (2**63 - 2**20, 2**64))  # sizes that mean none
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
        return _sized(head_of(file))
    except struct.error:  # it ends within a chunk's header
        return None


def head_of(file: BinaryIO) -> bytes:
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
        samples = data_chunk(head)
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


def data_chunk(head: bytes) -> tuple[int, int] | None:
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
