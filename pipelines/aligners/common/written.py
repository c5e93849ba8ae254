"""The times of written words, from those of the words that are spoken for them.

"forty-two - is"   ->   spoken: forty two is   ->   Word("forty-two", 0.48, 1.10), Word("-", 1.10, 1.10), Word("is", 1.10, 1.31)
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from weft.pipelines.aligners.common.clips import Clip, Timed
from weft.pipelines.audio.sound import RATE
from weft.schemas.audio import Word


@dataclass(frozen=True, slots=True)
class WrittenClip:
    """A clip, its written words, and the number of spoken words of each written one."""

    clip: Clip
    words: Sequence[str]
    counts: Sequence[int]

    def timed(self, spoken: Timed) -> Timed:
        """The written words, with the times of their spoken words: one for each that the clip has."""
        seconds = len(self.clip.samples) / RATE
        words, phones = (clamped(times, seconds) for times in (spoken.words, spoken.phones))
        return Timed(_as_written(self.words, self.counts, words), phones)


def mean_score(words: Sequence[Word]) -> float:
    """The mean of the words' scores, weighted by their length; 0 where no word has a length."""
    seconds = sum(word.end - word.start for word in words)
    return sum(word.score * (word.end - word.start) for word in words) / seconds if seconds else 0.0


def clamped(words: Sequence[Word], seconds: float) -> list[Word]:
    """The words within 0 to `seconds`, none beginning before the one before it ends."""
    out: list[Word] = []
    floor = 0.0
    for word in words:
        start = min(max(word.start, floor), seconds)
        floor = min(max(word.end, start), seconds)
        out.append(replace(word, start=start, end=floor))
    return out


def _as_written(words: Sequence[str], counts: Sequence[int], timed: Sequence[Word]) -> tuple[Word, ...]:
    """Written word n spans the next `counts[n]` timed words. Where that is none, it has length 0 at the end of the word before."""
    out: list[Word] = []
    at, last = 0, 0.0
    for word, count in zip(words, counts, strict=True):
        forms = timed[at : at + count]
        start, end = (forms[0].start, forms[-1].end) if forms else (last, last)
        out.append(Word(text=word, start=start, end=end, score=mean_score(forms)))
        at, last = at + count, out[-1].end
    return tuple(out)
