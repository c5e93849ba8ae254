"""What is said when in one recording, by whom: what every timing file holds.

Timing(11.0, (Supervision(0.3, 1.1, "and so", words=(Word("and", 0.0, 0.2), …), speaker="s1"), …))

Supervisions lie in seconds of the recording, their words and phones in seconds from their own start.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from weft.schemas.audio import Supervision, Word
from weft.schemas.ledger import Unusable

RUN_GAP = 1.0  # seconds of pause at which words of one of several speakers become another utterance


class BadTiming(Unusable):
    """A timing file that says nothing usable; `detail` says what is wrong with it."""

    def __init__(self, detail: str) -> None:
        super().__init__("bad_transcript", detail)


@dataclass(frozen=True, slots=True)
class Timing:
    """All that is said in a recording of `seconds` (0 where the file does not say), by time.

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
    text = " ".join(word.text for word in words)
    end = max([seconds, *(w.end for w in words)])
    return Timing(seconds, (Supervision(0.0, end, text, tuple(words), tuple(phones), speaker),), is_whole=True)


def runs(words: Sequence[Word], gap: float) -> list[list[Word]]:
    """Words in stretches that a pause of more than `gap` seconds parts."""
    found: list[list[Word]] = []
    for word in words:
        if found and word.start - found[-1][-1].end <= gap:
            found[-1].append(word)
        else:
            found.append([word])
    return found


def supervision(words: Sequence[Word], phones: Sequence[Word], speaker: str) -> Supervision:
    """A run of words, in seconds of the recording, as an utterance; of the phones, those whose middle lies in it."""
    start, end = words[0].start, max(w.end for w in words)
    inside = [p for p in phones if start <= (p.start + p.end) / 2 < end]
    own, phones = (tuple(moved(w, -start) for w in some) for some in (words, inside))
    return Supervision(start, end, " ".join(word.text for word in words), own, phones, speaker)


def by_time(supervisions: Sequence[Supervision]) -> tuple[Supervision, ...]:
    return tuple(sorted(supervisions, key=lambda s: (s.start, s.end, s.speaker)))


def moved(word: Word, seconds: float) -> Word:
    return replace(word, start=word.start + seconds, end=word.end + seconds)


def rows_of(data: bytes) -> list[list[str]]:
    """The lines of a table between spaces, without comments (`;;`). Raises UnicodeError."""
    lines = data.decode("utf-8-sig").splitlines()
    return [line.split() for line in lines if line.strip() and not line.startswith(";;")]


def only(rows: list[list[str]], column: int, name: str) -> list[list[str]]:
    """The rows of recording `name`, or of the only recording there is. Raises BadTiming where there are none."""
    named = {row[column] for row in rows}
    wanted = named if len(named) == 1 else {name}
    if found := [row for row in rows if row[column] in wanted]:
        return found
    raise BadTiming(f"no line is of {name!r}" if named else "it holds no lines")
