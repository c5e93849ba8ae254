"""The channels, rate and bits that an uncompressed file's header declares, and whether sound can have them.

declared(head)     Declared(channels=0, rate=16000, bits=16)          of a wav, rf64, w64, aiff, au, caf or SPHERE
fault(file)        "its header declares 0 channels"
"""

import re
import struct
from dataclasses import dataclass
from typing import BinaryIO

from weft.pipelines.audio.headers import chunk

MOST_CHANNELS = 1024  # of libsndfile; FFmpeg takes fewer
HIGHEST_RATE = 3_072_000  # Hz; one bit at 64 times 48 kHz
_HEAD = 1 << 16  # bytes in which the format stands
_PLAIN = (1, 3)  # tags of a wav whose samples are numbers of so many bits
_W64_FORMAT = b"fmt \xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"


@dataclass(frozen=True, slots=True)
class Declared:
    """`bits` a sample, None where the coding decides."""

    channels: int
    rate: float
    bits: int | None = None


def fault(file: BinaryIO) -> str:
    """An impossible value that the header declares, as a message; "" where there is none. The file is rewound."""
    file.seek(0)
    head = file.read(_HEAD)
    file.seek(0)
    try:
        header = declared(head)
    except struct.error:  # it ends within its header
        return ""
    return _fault(header) if header else ""


def _fault(header: Declared) -> str:
    if not 1 <= header.channels <= MOST_CHANNELS:
        return f"its header declares {header.channels:,} channels, where 1 to {MOST_CHANNELS:,} are possible"
    if not 0 < header.rate <= HIGHEST_RATE:  # nor is it for what is not a number
        return f"its header declares {header.rate:,g} Hz, where more than 0 and up to {HIGHEST_RATE:,} are possible"
    if header.bits == 0:
        return "its header declares samples of 0 bits"
    return ""


def declared(head: bytes) -> Declared | None:
    """None for a file of another kind, or without its chunk of the format. Raises struct.error for one that ends in it."""
    kind, form = head[:4], head[8:12]
    if kind in (b"RIFF", b"RF64", b"BW64") and form == b"WAVE":
        return _wave(head, chunk_place[0]) if (chunk_place := chunk(head, 12, "<4sI", b"fmt ")) else None
    if kind == b"riff":
        return _wave(head, at + 24) if (at := head.find(_W64_FORMAT)) > 0 else None
    if kind == b"FORM" and form in (b"AIFF", b"AIFC"):
        return _aiff(head, chunk_place[0]) if (chunk_place := chunk(head, 12, ">4sI", b"COMM")) else None
    if kind == b"caff":
        return _caf(head, chunk_place[0]) if (chunk_place := chunk(head, 8, ">4sQ", b"desc")) else None
    if kind == b".snd":
        rate, channels = struct.unpack_from(">II", head, 16)
        return Declared(channels=channels, rate=rate)
    return _sphere(head[:1024]) if kind == b"NIST" else None


def _wave(head: bytes, at: int) -> Declared:
    tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", head, at)
    return Declared(channels=channels, rate=rate, bits=bits if tag in _PLAIN else None)


def _aiff(head: bytes, at: int) -> Declared:
    """Its rate is a float of 80 bits."""
    channels, _, bits, power, digits = struct.unpack_from(">hIhHQ", head, at)
    exponent = (power & 0x7FFF) - 16383 - 63
    rate = float("inf") if exponent > 900 else digits * 2.0**exponent
    plain = head[8:12] == b"AIFF"
    return Declared(channels=channels, rate=-rate if power & 0x8000 else rate, bits=bits if plain else None)


def _caf(head: bytes, at: int) -> Declared:
    rate, coding, _, _, _, channels, bits = struct.unpack_from(">d4sIIIII", head, at)
    return Declared(channels=channels, rate=rate, bits=bits if coding == b"lpcm" else None)


def _sphere(head: bytes) -> Declared | None:
    fields = dict(re.findall(rb"^(channel_count|sample_rate) -i (-?\d{1,18})\s*$", head, re.MULTILINE))
    if len(fields) < 2:
        return None
    return Declared(channels=int(fields[b"channel_count"]), rate=int(fields[b"sample_rate"]))
