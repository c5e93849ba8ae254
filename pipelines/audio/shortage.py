"""Files that hold less than their header declares, or a second file behind the first.

shortage_of(file)     "its header declares 160,000 bytes of samples, and 80,000 are there"; "" for a good one
"""

import struct
from typing import BinaryIO

from weft.pipelines.audio import tags
from weft.pipelines.audio.headers import length_of, sized
from weft.pipelines.audio.unread import second, unread

_MARKS = (
    b".snd",
    b"fLaC",
    b"OggS",
    b"\x1a\x45\xdf\xa3",
    b"FLV\x01",
    b"TTA1",
    b"wvpk",
    b"MAC ",
    b"DSD ",
    b"#!AM",
    b"NIST",
)


def shortage_of(file: BinaryIO) -> str:
    """A message where the file has fewer bytes than its header declares, or where a second file follows; else ""."""
    declared, length = sized(file), length_of(file)
    if at := _second(file):
        return second(at, length)
    if (
        declared is None or not declared.is_known() or declared.start + declared.size <= length + 1
    ):  # a byte of padding is often left out
        return ""
    return f"its header declares {declared.size:,} bytes of samples, and {max(0, length - declared.start):,} are there"


def _second(file: BinaryIO) -> int:
    """The byte at which another file begins behind a wav, aiff, au, caf, w64 or mp4, as in files put end to end; 0 where none does."""
    declared, length = sized(file), length_of(file)
    if declared is None:
        return _second_mp4(file, length)
    at = declared.start + declared.size if declared.is_known() else length
    while at + 16 <= length:
        at += at % 2 if declared.extra != 4 and declared.field != 8 else 0
        if (behind := tags.after(file, at)) > at:  # an MP3 begins with tags
            return behind if unread(file, behind, "sound") else 0
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
    is_long = head[:8] in (b"caff\0\x01\0\0", b"riff.\x91\xcf\x11") or head[4:8] == b"ftyp"
    return is_chunked or is_long or head[:4] in _MARKS


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
