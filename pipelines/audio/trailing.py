"""Where the samples end of a wav or aiff whose header does not know: before the chunks and tags that lie behind them.

end_of_samples(file, start=44, layout="<4sI")      160,044       of 160,112 bytes, the last 68 of which are a LIST chunk
"""

import os
import re
import struct
from typing import BinaryIO

_TAIL = 1 << 20  # bytes at the end of a file in which such chunks are looked for
_MOST = 1 << 16  # chunks that one file has
_TAG = 128  # bytes of an ID3v1 tag
_NAMES = re.compile(  # that programs write behind samples
    rb"LIST|id3 |ID3 |bext|iXML|aXML|cue |smpl|inst|fact|JUNK|junk|PAD |FLLR|FLL |afsp|_PMX|LGWV|acid|plst|note|labl|cart|umid|minf"
    rb"|levl|elm1|DISP|PEAK|chna|axml|NAME|AUTH|\(c\) |ANNO|COMT|MARK|INST|APPL|AESD"
)


def end_of_samples(file: BinaryIO, start: int, layout: str) -> int:
    """The byte after the last sample; `start` where there is none. `layout` is that of a chunk's name and size. Rewinds the file."""
    length = file.seek(0, os.SEEK_END)
    file.seek(max(start, length - _TAG))
    if file.read(3) == b"TAG":
        length -= _TAG
    begin = max(start, length - _TAIL)
    file.seek(begin)
    tail = file.read(length - begin)
    file.seek(0)
    if begin == start and len(tail) > 8 and _ends_with(file, start, length, layout):
        return start
    places = (begin + match.start() for match in _NAMES.finditer(tail))
    return next((place for place in places if _ends_with(file, place, length, layout)), length)


def _ends_with(file: BinaryIO, at: int, length: int, layout: str) -> bool:
    """Whether chunks follow one another from a byte on to the file's last, which may lack a byte of padding."""
    for _ in range(_MOST):
        file.seek(at)
        head = file.read(8)
        if len(head) < 8 or not all(32 <= c < 127 for c in head[:4]):
            break
        size = struct.unpack(layout, head)[1]
        at += 8 + size + size % 2
        if at in (length, length + 1):
            file.seek(0)
            return True
    file.seek(0)
    return False
