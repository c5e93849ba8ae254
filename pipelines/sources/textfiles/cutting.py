"""Text cleaned without losing its lines, and cut where it is longer than a document may be.

cleaned("a\r\n\r\nb\x00c")   ->   "a\n\nb c"
"""

import re
import unicodedata
from collections.abc import Iterator

# categories Cc (without tab and newline), Cs and Co: what `clean` takes out of one line
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd]"
)
_LINE_END = re.compile("\r\n?|\f")


def cleaned(text: str) -> str:
    """Composed characters; every kind of line end (a page's too) as a newline; control characters as spaces.

    Lines, indentation and runs of spaces stay as they are; only what surrounds the text is stripped.
    """
    lines = _LINE_END.sub("\n", text)
    return unicodedata.normalize("NFC", _UNPRINTABLE.sub(" ", lines)).strip()


def pieces(text: str, longest: int) -> Iterator[str]:
    """The text in pieces of at most `longest` characters, without the space between them; mostly one piece."""
    begin = 0
    while begin < len(text):
        end = len(text) if len(text) - begin <= longest else _cut(text, begin, begin + longest)
        if piece := text[begin:end].strip():
            yield piece
        begin = end


def _cut(text: str, begin: int, limit: int) -> int:
    """Behind the last paragraph of the second half, else the last line, else the last space; else between characters."""
    for mark in ("\n\n", "\n", " "):
        if (place := text.rfind(mark, begin + (limit - begin) // 2, limit)) > 0:
            return place + len(mark)
    place = text.rfind(" ", begin, limit) + 1
    return place if place > begin else _between_characters(text, begin, limit)


def _between_characters(text: str, begin: int, limit: int) -> int:
    """The last place up to `limit` that parts no accent from its letter."""
    end = limit
    while end > begin + 1 and unicodedata.combining(text[end]):
        end -= 1
    return end if end > begin + 1 else limit
