"""Ogg files that were put end to end, a later piece of which is another kind of sound: no decoder reads across that.

change(file)    "from byte 20,117 of 45,300 on it is Opus of 48,000 Hz with 2 channels, and before it is Vorbis of 16,000 Hz with …"
"""

from dataclasses import dataclass
from typing import BinaryIO

from weft.pipelines.audio.headers import length_of
from weft.pipelines.audio.streams import ogg_pages
from weft.schemas.counting import counted

_HEAD = 27 + 255 + 64  # bytes of a page that has a stream's header


@dataclass(frozen=True, slots=True)
class _Kind:
    coding: str
    rate: int
    channels: int

    def __str__(self) -> str:
        return f"{self.coding} of {self.rate:,} Hz with {counted(self.channels, 'channel')}"


def change(file: BinaryIO) -> str:
    """Where it becomes another kind of sound, with both; "" where it does not. The file is rewound."""
    first, at, has_begun, length = None, 0, False, length_of(file)
    fault = ""
    for page in ogg_pages(file):
        if page is None or fault:
            break
        if page.begins:
            file.seek(at)
            kind = _kind(file.read(_HEAD))
            if kind and first and has_begun and kind != first:
                fault = f"from byte {at:,} of {length:,} on it is {kind}, and before it is {first}"
            first = first or kind
        has_begun = has_begun or not page.begins
        at = page.end
    file.seek(0)
    return fault


def _kind(page: bytes) -> _Kind | None:
    """Of the stream that begins with a page; None for what is no sound, or of no coding known here."""
    data = page[27 + page[26] :]
    if data[:7] == b"\x01vorbis":
        return _Kind(coding="Vorbis", rate=int.from_bytes(data[12:16], "little"), channels=data[11])
    if data[:8] == b"OpusHead":
        return _Kind(
            coding="Opus", rate=48000, channels=data[9]
        )  # it is decoded at this rate, whatever it was made from
    if data[:8] == b"Speex   ":
        rate, channels = (int.from_bytes(data[at : at + 4], "little") for at in (36, 48))
        return _Kind(coding="Speex", rate=rate, channels=channels)
    if data[:5] == b"\x7fFLAC":
        return _Kind(coding="FLAC", rate=int.from_bytes(data[27:30], "big") >> 4, channels=(data[29] >> 1 & 7) + 1)
    return None
