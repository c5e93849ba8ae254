"""MP3, Ogg and FLAC as rows of frames and pages: what declares their length, where a second stream begins, what was cut off.

is_mp3(file), mp3_count(file)       True, Mp3Count(frames=1532, end=204_800)    0 frames where no Xing, Info or VBRI header counts them
is_joined_ogg(file)                 True           of files that were put end to end; is_joined_mp3(file) as well
next_flac(file)                     81233          the byte where a second stream begins, 0 for none
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from weft.pipelines.audio import tags
from weft.pipelines.audio.headers import length_of

_TAGS = 1 << 12  # bytes of tags that may lie behind the frames of an MP3


def is_mp3(file: BinaryIO) -> bool:
    """Whether it begins with an ID3 tag or a frame of layer III."""
    file.seek(tags.after(file, 0))
    head = file.read(4)
    file.seek(0)
    return (
        len(head) == 4 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2 and head[2] >> 4 != 15 and head[2] >> 2 & 3 != 3
    )


@dataclass(frozen=True, slots=True)
class Mp3Count:
    """Frames that the Xing, Info or VBRI header of an MP3 counts, and the byte after them; 0 for what it does not count, and without
    such a header, for then nothing is declared.
    """

    frames: int = 0
    end: int = 0


def mp3_count(file: BinaryIO) -> Mp3Count:
    """The file is rewound."""
    start = tags.after(file, 0)
    file.seek(start)
    head = file.read(256)
    file.seek(0)
    frames, size = _xing(head) or _vbri(head)
    return Mp3Count(frames=frames, end=start + size if size else 0)


def _xing(head: bytes) -> tuple[int, int] | None:
    """Frames and bytes; None where no such header counts frames."""
    for name in (b"Xing", b"Info"):
        if (at := head.find(name, 4)) > 0 and len(head) >= at + 16 and head[at + 7] & 1:
            return _number(head, at + 8), _number(head, at + 12) if head[at + 7] & 2 else 0
    return None


def _vbri(head: bytes) -> tuple[int, int]:
    at = head.find(b"VBRI", 4)
    return (_number(head, at + 14), _number(head, at + 10)) if at > 0 else (0, 0)


def _number(head: bytes, at: int) -> int:
    return int.from_bytes(head[at : at + 4], "big")


def is_joined_mp3(file: BinaryIO) -> bool:
    """Whether an MP3 goes on behind the frames that its header counts, for longer than tags do."""
    count = mp3_count(file) if is_mp3(file) else Mp3Count()
    return count.end > 0 and length_of(file) > count.end + _TAGS


@dataclass(frozen=True, slots=True)
class Page:
    """A page of an Ogg file: whether a stream begins with it, and the byte after it."""

    begins: bool
    end: int


def ogg_pages(file: BinaryIO) -> Iterator[Page | None]:
    """The pages of an Ogg file; None, and no more, where something else lies between them."""
    at, length = 0, length_of(file)
    while at < length:
        file.seek(at)
        head = file.read(27 + 255)
        if head[:4] != b"OggS" or len(head) < 27:
            yield None
            return
        at += 27 + head[26] + sum(head[27 : 27 + head[26]])
        yield Page(begins=bool(head[5] & 2), end=at)


def is_joined_ogg(file: BinaryIO) -> bool:
    """Whether an Ogg file goes on after its first stream, or is damaged between pages."""
    file.seek(0)
    if file.read(4) != b"OggS":
        file.seek(0)
        return False
    others = False
    joined = False
    for page in ogg_pages(file):
        if page is None or (page.begins and others):
            joined = True
            break
        others = others or not page.begins
    file.seek(0)
    return joined


def ogg_shortage(file: BinaryIO) -> str:
    """Bytes that an Ogg file's last page declares and lacks, in words; "" where it lacks none."""
    file.seek(0)
    last = None
    if file.read(4) == b"OggS":
        for page in ogg_pages(file):
            last = page
    length = length_of(file)
    if last and last.end > length:
        return f"its last page declares {last.end:,} bytes of file, and {length:,} are there"
    return ""


def next_flac(file: BinaryIO) -> int:
    """The byte where a second FLAC stream begins, 0 where none does."""
    file.seek(0)
    at, kept = 0, file.read(8)
    if kept[:4] != b"fLaC":
        return 0
    mark = b"fLaC\x00\x00\x00\x22"
    while block := file.read(1 << 20):
        data = kept + block
        for form in (mark, b"fLaC\x80\x00\x00\x22"):
            if (offset := data.find(form, 1 if at == 0 else 0)) >= 0:
                return at + offset
        at += len(data) - 7
        kept = data[-7:]
    return 0
