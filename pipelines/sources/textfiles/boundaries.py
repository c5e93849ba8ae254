"""Where a file is cut into stretches of bytes, so that a document is whole in exactly one of them.

    bytes      0 ……………… 262144 ……………… 524288          stretches as listed
    read       [0 ………………………… 263017)[263017 …… 524288)     each end moves on to where a document ends

The end of one stretch is the beginning of the next, computed by the same rule from the same position.
"""

import re
from dataclasses import dataclass
from typing import BinaryIO

WINDOW = 1 << 16  # bytes that are read first, and searched for a line or space where no document ends
PARAGRAPH = re.compile(rb"\n[ \t\r]*\n")
LINE = re.compile(rb"\n")
_LETTER = re.compile(rb"[^\x80-\xbf]")  # the first byte of a character


@dataclass(frozen=True, slots=True)
class Delimiter:
    """What stands between two documents; `width` is the most bytes it has, where that matters (it may be cut in two).

    Where no document ends within `reach` bytes, lines and words may be cut (`soft`), or the position is taken as it is.
    With `splits` off, stretches end at delimiters but what lies between two ends is one document.
    """

    pattern: re.Pattern[bytes]
    reach: int
    width: int = 1
    soft: bool = True
    splits: bool = True


@dataclass(frozen=True, slots=True)
class Boundary:
    """A position in bytes, and whether a document ends there; otherwise a longer one goes on behind it."""

    position: int
    is_end: bool


def separator_pattern(separator: str) -> re.Pattern[bytes]:
    """Matches the separator, and all of a run of them that overlap, so that a match begun inside the run ends with it.

    A newline in it matches one of either kind.
    """
    overlaps = [n for n in range(1, len(separator) + 1) if separator[:-n] == separator[n:]]
    tails = "|".join(_literal(separator[-n:]) for n in overlaps)
    return re.compile(f"{_literal(separator)}(?:{tails})*".encode())


def _literal(text: str) -> str:
    return r"\r?\n".join(re.escape(line) for line in text.split("\n"))


def boundary(file: BinaryIO, position: int, delimiter: Delimiter) -> Boundary:
    """The end of the document that `position` lies in; of bytes beyond `reach`, none are read."""
    begin = max(0, position - delimiter.width + 1)  # it may lie inside a delimiter
    size = WINDOW
    while True:
        file.seek(begin)
        window = file.read(size)
        match_end = next((m.end() for m in delimiter.pattern.finditer(window) if begin + m.end() > position), 0)
        is_last = len(window) < size
        if match_end and (match_end < len(window) or is_last):
            return Boundary(position=begin + match_end, is_end=True)
        if is_last:
            return Boundary(position=begin + len(window), is_end=True)
        if size >= delimiter.reach:
            break
        size = min(4 * size, delimiter.reach)
    within = position + _soft_cut(window[position - begin :][:WINDOW]) if delimiter.soft else position
    return Boundary(position=begin + match_end if match_end else within, is_end=bool(match_end))


def _soft_cut(window: bytes) -> int:
    """Behind the first paragraph, else line, else word; else before the first character that begins in it."""
    for pattern in (PARAGRAPH, LINE, re.compile(rb" ")):
        if match := pattern.search(window):
            return match.end()
    letter = _LETTER.search(window)
    return letter.start() if letter else 0
