"""Files that hold less than their header declares, or a second file behind the first.

shortage_of(file)     "its header declares 160,000 bytes of samples, and 80,000 are there"; "" for a good one
"""

import struct
from typing import BinaryIO

from weft.pipelines.audio.headers import length_of, sized


def shortage_of(file: BinaryIO) -> str:
    """A message where the file has fewer bytes than its header declares, or where a second file follows; else ""."""
    declared, length = sized(file), length_of(file)
    if at := _second(file):
        return f"a second file begins at byte {at:,} of {length:,}, and would not be read: split them"
    if (
        declared is None or not declared.is_known() or declared.start + declared.size <= length + 1
    ):  # a byte of padding is often left out
        return ""
    return f"its header declares {declared.size:,} bytes of samples, and {max(0, length - declared.start):,} are there"


def _second(file: BinaryIO) -> int:
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
