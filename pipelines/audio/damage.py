"""Damage that a file's own checksums and structure show; nothing is decoded. Decoders pass over it with silence or noise.

damage(file)      "its page at byte 81,233 of 262,989 is damaged: the checksum is wrong"       of an Ogg file; "" for a sound one
"""

import zlib
from collections.abc import Iterator
from typing import BinaryIO

import av

from weft.pipelines.audio import matroska, streams
from weft.pipelines.audio.headers import length_of

_HEADER = 27  # bytes of a page's header before its table of lengths
_TAGS = (b"ID3", b"TAG", b"APETAGEX", b"\0\0\0\0")  # what may lie behind the last page
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def damage(file: BinaryIO) -> str:
    """In words, with its place; "" for none, and for a file that is not Ogg, Matroska or FLAC. The file is rewound."""
    file.seek(streams.after_tags(file))
    head = file.read(4)
    find = {b"OggS": _in_ogg, b"fLaC": _in_flac, matroska.MARK: matroska.damage}.get(head)
    fault = find(file) if find else ""
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


def _in_flac(file: BinaryIO) -> str:
    """FFmpeg leaves out frames with a wrong checksum where it parts the file into frames, so that the next one is not at its place."""
    file.seek(0)
    try:
        options = {"format_whitelist": "flac"}
        with av.open(file, "r", container_options=options, metadata_errors="replace") as container:
            stream = container.streams.audio[0]
            rate = stream.codec_context.sample_rate
            samples = 0 if stream.duration else None  # one of unknown length may be a piece of a broadcast
            for packet in container.demux(stream):
                if not packet.size or packet.pts is None:
                    continue
                if samples not in (None, packet.pts):
                    is_joined = (
                        streams.next_flac(file) > 0
                    )  # which has a reason of its own; the demuxer's place is lost by this
                    return "" if is_joined else f"its frame at {samples / rate:.2f} s is damaged or missing"
                samples = packet.pts + (packet.duration or 0)
    except (av.FFmpegError, ValueError, IndexError):  # what no decoder reads has another reason
        pass
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
