"""The content of a timing file: which words are spoken when, and by whom, in one recording.

Timing(seconds=11.0, supervisions=(Supervision(start=0.3, end=1.1, text="and so", words=(Word("and", 0.0, 0.2), …), speaker="s1"), …))

Times of supervisions are seconds of the recording; times of their words and phones are seconds from the supervision's start.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from weft.schemas.audio import Supervision, Word, text_of
from weft.schemas.ledger import Unusable

RUN_GAP = 1.0  # seconds of pause that end an utterance, in files of several speakers


class BadTiming(Unusable):
    """A timing file that cannot be used; `detail` says why."""

    def __init__(self, detail: str) -> None:
        super().__init__("bad_transcript", detail)


@dataclass(frozen=True, slots=True)
class Timing:
    """The supervisions of a recording of `seconds` (0 where the file does not give its length), by time.

    With `is_whole`, the one supervision is the transcript of the whole recording, not of a stretch of it.
    """

    seconds: float
    supervisions: tuple[Supervision, ...]
    is_whole: bool = False

    @property
    def speakers(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(s.speaker for s in self.supervisions))

    def words(self, speaker: str | None = None) -> list[Word]:
        """One speaker's words, or all, in seconds of the recording."""
        return [moved(w, s.start) for s in self._of(speaker) for w in s.words]

    def phones(self, speaker: str | None = None) -> list[Word]:
        return [moved(p, s.start) for s in self._of(speaker) for p in s.phones]

    def _of(self, speaker: str | None) -> list[Supervision]:
        return [s for s in self.supervisions if speaker in (None, s.speaker)]


def whole(seconds: float, words: Sequence[Word], phones: Sequence[Word] = (), speaker: str = "") -> Timing:
    """A recording's words as one transcript."""
    end = max([seconds, *(w.end for w in words)])
    supervision = Supervision(
        start=0.0, end=end, text=text_of(words), words=tuple(words), phones=tuple(phones), speaker=speaker
    )
    return Timing(seconds=seconds, supervisions=(supervision,), is_whole=True)


def runs(words: Sequence[Word], gap: float) -> list[list[Word]]:
    """The words, split where a pause is longer than `gap` seconds."""
    split: list[list[Word]] = []
    for word in words:
        if split and word.start - split[-1][-1].end <= gap:
            split[-1].append(word)
        else:
            split.append([word])
    return split


def supervision_of(words: Sequence[Word], phones: Sequence[Word], speaker: str) -> Supervision:
    """The supervision of a run of words; it has the phones whose middle lies in it. Both come in seconds of the recording."""
    start, end = words[0].start, max(w.end for w in words)
    inside = [p for p in phones if start <= (p.start + p.end) / 2 < end]
    own, phones = (tuple(moved(w, -start) for w in times) for times in (words, inside))
    return Supervision(start=start, end=end, text=text_of(words), words=own, phones=phones, speaker=speaker)


def by_time(supervisions: Sequence[Supervision]) -> tuple[Supervision, ...]:
    return tuple(sorted(supervisions, key=lambda s: (s.start, s.end, s.speaker)))


def moved(word: Word, seconds: float) -> Word:
    return replace(word, start=word.start + seconds, end=word.end + seconds)


def rows_of(data: bytes) -> list[list[str]]:
    """The lines of a table, split at spaces, without comments (`;;`). Raises BadTiming."""
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise BadTiming(f"it is not UTF-8 (byte {error.start:,})") from None
    return [line.split() for line in lines if line.strip() and not line.startswith(";;")]


def number(text: str, what: str, least: float = -math.inf) -> float:
    """A finite number of a table. Raises BadTiming."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < least:
        raise BadTiming(
            f"{what} is {text[:40]!r}, and must be a number" + (f", {least:g} or more" if least > -math.inf else "")
        )
    return value


def only(rows: list[list[str]], column: int, name: str) -> list[list[str]]:
    """The rows of recording `name`, or of the only recording there is. Raises BadTiming where there are none."""
    if short := next((row for row in rows if len(row) <= column), None):
        raise BadTiming(f"the line {' '.join(short)[:80]!r} names no recording")
    named = {row[column] for row in rows}
    wanted = named if len(named) == 1 else {name}
    if own := [row for row in rows if row[column] in wanted]:
        return own
    raise BadTiming(f"no line is of {name!r}" if named else "it holds no lines")
