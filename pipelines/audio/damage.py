"""Damage that a file's own checksums and structure show; nothing is decoded. Decoders pass over it with silence or noise.

damage(file)      "its page at byte 81,233 of 262,989 is damaged: the checksum is wrong"       of an Ogg file; "" for a sound one
"""

import zlib
from collections.abc import Iterator
from typing import BinaryIO

from weft.pipelines.audio import behind, flac, matroska, tags
from weft.pipelines.audio.headers import length_of

_HEADER = 27  # bytes of a page's header before its table of lengths
_TAGS = (b"ID3", b"TAG", b"APETAGEX", b"\0\0\0\0")  # what may lie behind the last page
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def damage(file: BinaryIO) -> str:
    """In words, with its place; "" for none, and for a file that has neither checksums nor structure. The file is rewound."""
    file.seek(tags.after(file, 0))
    find = {b"OggS": _in_ogg, b"fLaC": flac.damage, matroska.MARK: matroska.damage}.get(file.read(4), behind.fault)
    fault = find(file)
    file.seek(0)
    return fault


def _in_ogg(file: BinaryIO) -> str:
    length = length_of(file)
    expected: dict[bytes, int] = {}  # number of the next page of each stream
    for at, page in _pages(file, length):
        if not page:
            return f"bytes that are no Ogg page begin at byte {at:,} of {length:,}"
        if not _is_intact(page):
            return f"its page at byte {at:,} of {length:,} is damaged: the checksum is wrong"
        stream, number = page[14:18], int.from_bytes(page[18:22], "little")
        if not page[5] & 2 and number != expected.get(stream, number):
            return f"pages are missing before byte {at:,} of {length:,}: number {number:,} follows {expected[stream] - 1:,}"
        # who joins a broadcast gets the headers and then what is sent now
        is_header = page[6:14] in (bytes(8), b"\xff" * 8)
        expected.pop(stream, None)
        if not is_header:
            expected[stream] = number + 1
    return ""


def _pages(file: BinaryIO, length: int) -> Iterator[tuple[int, bytes]]:
    """Each page with the byte it begins at; b"" for what is no page. One that the end of the file cuts off is not damage."""
    at = 0
    while at < length:
        file.seek(at)
        head = file.read(_HEADER + 255)
        if len(head) < _HEADER and head[:4] == b"OggS":
            return
        if head[:4] != b"OggS":
            if not head.startswith(_TAGS) and not b"OggS".startswith(head):
                yield at, b""
            return
        table = head[_HEADER : _HEADER + head[26]]
        size = _HEADER + head[26] + sum(table)
        if at + size > length:
            return
        yield at, head[:size] if size <= len(head) else head + file.read(size - len(head))
        at += size


def _is_intact(page: bytes) -> bool:
    return _checksum(page[:22] + bytes(4) + page[26:]) == int.from_bytes(page[22:26], "little")


def _checksum(data: bytes) -> int:
    """Ogg's CRC-32, which takes the bits of a byte in the order that is not zlib's.

    >>> hex(_checksum(b"123456789"))
    '0x89a1897f'
    """
    mirrored = zlib.crc32(data.translate(_MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(mirrored.to_bytes(4, "little").translate(_MIRRORED), "big")
