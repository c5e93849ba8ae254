"""CTM, as NIST's sclite and Kaldi write it: one word per line, by time.

clip-1 1 0.31 0.21 and 0.82          recording, channel, start, duration, word, confidence
"""

import math

from weft.pipelines.timings.base import BadTiming, Timing, number, only, rows_of, whole
from weft.schemas.audio import Word

ENDING = ".ctm"


def read(data: bytes, name: str = "") -> Timing:
    """The words of recording `name`, or of the only recording in the file. Raises BadTiming."""
    words = [_word(row) for row in only(rows_of(data), 0, name)]
    return whole(0.0, sorted(words, key=lambda w: (w.start, w.end)))


def _word(row: list[str]) -> Word:
    """Raises BadTiming."""
    if len(row) < 5:
        raise BadTiming(f"no CTM: {' '.join(row)[:80]!r} lacks recording, channel, start, duration or word")
    start, length = number(row[2], "a start"), number(row[3], "a duration", least=0.0)
    confidence = number(row[5], "a confidence") if len(row) > 5 and row[5] != "NA" else 1.0
    score = math.log(min(1.0, max(confidence, 1e-9)))
    return Word(text=row[4], start=start, end=start + length, score=score)


def write(timing: Timing, name: str) -> bytes:
    """All speakers' words by time. The confidence is e to the power of the score, at most 1."""
    recording = "_".join(name.split()) or "-"
    words = sorted(timing.words(), key=lambda w: (w.start, w.end))
    return "".join(f"{recording} 1 {_place(w)} {_label(w)} {math.exp(min(0.0, w.score)):.3f}\n" for w in words).encode()


def _place(word: Word) -> str:
    return f"{word.start:.3f} {max(0.0, round(word.end, 3) - round(word.start, 3)):.3f}"


def _label(word: Word) -> str:
    return "_".join(word.text.split()) or "-"
