"""Bytes that no decoder reads, as they are no part of the structure of their MP4, CAF, AVI, ASF, FLV, TTA, MPEG or AAC file.

fault(file)       "bytes that are no FLV begin at byte 16,240 of 48,720: split the file there"; "" for a sound file

A walk goes from one element to the next by the sizes that they declare. What the end of the file cuts off is judged by decoders.
"""

import struct
from collections.abc import Callable
from typing import BinaryIO

from weft.pipelines.audio import tags
from weft.pipelines.audio.headers import length_of
from weft.pipelines.audio.unread import unread

_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"moof", b"mfra", b"sidx", b"uuid")
_CHUNKS = (b"desc", b"data", b"pakt", b"kuki", b"chan", b"info", b"free", b"strg", b"mark", b"regn", b"uuid", b"umid")
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_DATA = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")
_ASF_OTHERS = (  # simple index, index, media object index, timecode index
    bytes.fromhex("90080033b1e5cf1189f400a0c90349cb"),
    bytes.fromhex("d329e2d6da35d111903400a0c90349be"),
    bytes.fromhex("f803b1fead12644c840f2a1d2f7ad48c"),
    bytes.fromhex("d03fb73c4a0c0348953dedf7b6228f0c"),
)
_ASF_EMPTY = 50  # bytes of a data object without packets, which is also one whose length was never written
_TS = 188  # bytes of a packet


def fault(file: BinaryIO) -> str:
    """In words, with the place; "" where nothing but tags and padding lies behind, and for other kinds. The file is rewound."""
    start, length = tags.after(file, 0), length_of(file)
    file.seek(start)
    kind, walk = _kind(file.read(2 * _TS + 1))
    return unread(file, walk(file, start, length), kind) if walk else ""


def _kind(head: bytes) -> tuple[str, Callable[[BinaryIO, int, int], int] | None]:
    if head[4:8] in _BOXES:
        return "MP4", _mp4
    if head[:4] == b"caff" and head[28:32] != b"lpcm":  # plain samples are read to the end of the file
        return "CAF", _caf
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "AVI", _avi
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return "AAC", _aac
    if head[:1] + head[_TS : _TS + 1] + head[2 * _TS :] == b"GGG":
        return "MPEG transport stream", _transport
    kinds = {b"FLV\x01": ("FLV", _flv), b"TTA1": ("TTA", _tta), b"\0\0\x01\xba": ("MPEG", _mpeg)}
    return ("ASF", _asf) if head[:16] == _ASF else kinds.get(head[:4], ("", None))


def _read(file: BinaryIO, at: int, layout: str) -> tuple:
    """What stands at a byte; zeros for what the end of the file cuts off."""
    file.seek(at)
    size = struct.calcsize(layout)
    return struct.unpack(layout, file.read(size).ljust(size, b"\0"))


def _mp4(file: BinaryIO, at: int, length: int) -> int:
    while at + 8 <= length:
        size, name, long = _read(file, at, ">I4sQ")
        size = long if size == 1 else size or length - at
        if size < 8 or not (name in _BOXES or _is_other(name, at + size, length)):
            return at
        at += size
    return at


def _caf(file: BinaryIO, at: int, length: int) -> int:
    at += 8
    while at + 12 <= length:
        name, size = _read(file, at, ">4sQ")  # a size of -1 is not known
        if not (name in _CHUNKS or _is_other(name, at + 12 + size, length)):
            return at
        at += 12 + size
    return at


def _is_other(name: bytes, end: int, length: int) -> bool:
    """Whether it is a box or a chunk of another name, and not bytes of anything."""
    return end <= length and all(32 <= c < 127 for c in name)


def _avi(file: BinaryIO, at: int, length: int) -> int:
    while at + 12 <= length < 1 << 32:  # sizes of a larger one may have overflown
        name, size, form = _read(file, at, "<4sI4s")
        if (name, form) not in ((b"RIFF", b"AVI "), (b"RIFF", b"AVIX")) and name not in (b"JUNK", b"idx1", b"LIST"):
            return at
        if not size:  # a recorder was killed
            return length
        at += 8 + size + size % 2
    return length


def _asf(file: BinaryIO, at: int, length: int) -> int:
    start = at
    while at + 24 <= length:
        name, size = _read(file, at, "<16sQ")
        if size < 24 or name not in ((_ASF,) if at == start else (_ASF_DATA, *_ASF_OTHERS)):
            return at
        if name == _ASF_DATA and size <= _ASF_EMPTY:
            return length
        at += size
    return at


def _flv(file: BinaryIO, at: int, length: int) -> int:
    at += _read(file, at + 5, ">I")[0]
    while at + 15 <= length:
        _, kind, high, low = _read(file, at, ">IBBH")
        if kind & 0xDF not in (8, 9, 18):  # sound, picture, script; a bit says that it is encrypted
            return at + 4
        at += 15 + (high << 16) + low
    return length


def _tta(file: BinaryIO, at: int, length: int) -> int:
    rate, samples = _read(file, at + 10, "<II")
    frames = -(-samples // (256 * rate // 245)) if rate else 0
    sizes = _read(file, at + 22, f"<{frames}I") if 4 * frames <= length else ()
    return at + 22 + 4 * frames + 4 + sum(sizes)


def _aac(file: BinaryIO, at: int, length: int) -> int:
    while at + 7 <= length:
        sync, _, size = _read(file, at, ">HBI")
        size = size >> 13 & 0x1FFF
        if sync & 0xFFF6 == 0xFFF0 and size >= 7:
            at += size
        elif (behind := tags.after(file, at)) > at:
            at = behind
        else:
            return at
    return at


def _mpeg(file: BinaryIO, at: int, length: int) -> int:
    while at + 4 <= length:
        file.seek(at)
        head = file.read(4096)
        if head[:3] == bytes(3):  # padding before the next start code
            at += max(1, len(head) - len(head.lstrip(b"\0")) - 2)
        elif head[:3] != b"\0\0\1" or head[3] < 0xB9:
            return at
        elif head[3] == 0xBA:
            at += 12 if len(head) < 14 or head[4] >> 4 == 2 else 14 + (head[13] & 7)
        else:
            at += 4 if head[3] == 0xB9 else 6 + int.from_bytes(head[4:6], "big")
    return at


def _transport(file: BinaryIO, at: int, length: int) -> int:
    file.seek(at)
    while block := file.read(_TS << 12):
        marks = block[::_TS]
        if other := marks.lstrip(b"G"):
            return at + _TS * (len(marks) - len(other))
        at += len(block)
    return length
