"""Alignment of recordings of any length with one transcript, at constant memory: window after window, from anchor to anchor.

    audio        |--- window 1 ---------|
                            |--- window 2 ---------|
    transcript   the boats came home | before the storm …
                                     ^ anchor: a pause between words that two alignments put at the same place

How many words a window holds is not known. It is aligned with fewer words and with more: a wrong count bends the last words, so
the words on which both agree are right, and the next window begins in the widest pause between the later ones of them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from weft.pipelines.aligners.base import Aligner, Timed, Unalignable
from weft.schemas.audio import Word
from weft.schemas.ledger import Unusable

WINDOWS = (
    15.0,
    25.0,
    40.0,
    80.0,
    160.0,
)  # seconds; a longer one is tried where a shorter one finds no anchor, as in a silence
LAST = 20.0  # seconds that are left, which are aligned whole
# of the words that a window holds on average: too few cost an aligner less than too many, but some aligners refuse too few, and a
# stretch may be spoken faster than the rest
_COUNTS = (0.5, 0.65, 0.35, 0.8, 1.0, 1.3, 1.7, 2.2, 0.2)
_SAME = 0.03  # seconds by which two alignments may differ
_FEWEST = 5  # words on which they must agree


@dataclass(frozen=True, slots=True)
class Sound:
    """A recording: `read(start, end)` in seconds gives samples (float32 [n], mono, 16 kHz)."""

    read: Callable[[float, float], np.ndarray]
    seconds: float
    speaker: str = ""


def align_long(aligner: Aligner, sound: Sound, words: Sequence[str]) -> Timed:
    """Written words in time. Raises Unusable: no_anchor, and what the aligner says of the last window."""
    at = 0.0
    found: list[Word] = []
    phones: list[Word] = []
    while len(found) < len(words):
        window, end = _window(aligner, sound, at, words[len(found) :])
        found += _moved(window.words, at)
        phones += _moved(window.phones, at)
        at += end
    return Timed(found, phones)


def _moved(words: Sequence[Word], by: float) -> Iterator[Word]:
    return (replace(w, start=w.start + by, end=w.end + by) for w in words)


def _window(aligner: Aligner, sound: Sound, at: float, words: Sequence[str]) -> tuple[Timed, float]:
    """The words from `at` up to an anchor, and the seconds from `at` to it."""
    left = sound.seconds - at
    if left <= min(LAST, aligner.longest):
        return aligner.timed(sound.read(at, sound.seconds), words, sound.speaker), left
    for seconds in dict.fromkeys(min(seconds, aligner.longest, left) for seconds in WINDOWS):
        samples = sound.read(at, at + seconds)
        before: Timed | None = None
        for found in _tries(aligner, samples, words, len(words) * seconds / left, sound.speaker):
            if before and (kept := anchor(before.words, found.words)):
                return _up_to(found, kept)
            before = found
    raise Unalignable(
        "no_anchor",
        f"from {at:.1f} s of {sound.seconds:.1f} s on, at {' '.join(words[:8])[:80]!r}, the words are not found",
    )


def _tries(
    aligner: Aligner, samples: np.ndarray, words: Sequence[str], expected: float, speaker: str
) -> Iterator[Timed]:
    """Alignments of a window with one count of words after another, as far as the aligner finds them."""
    for count in dict.fromkeys(max(2 * _FEWEST, round(expected * share)) for share in _COUNTS):
        try:
            yield aligner.timed(samples, words[:count], speaker)
        except Unalignable as fault:
            if fault.reason in ("unknown_word", "language"):  # no other count helps
                raise
        except Unusable:
            continue


def anchor(one: Sequence[Word], other: Sequence[Word]) -> int:
    """How many words are kept of two alignments with the same first words; 0 where they agree on too few."""
    same = 0
    for a, b in zip(one, other, strict=False):
        if max(abs(a.start - b.start), abs(a.end - b.end)) > _SAME:
            break
        same += 1
    if same < _FEWEST or same == len(one) == len(other):
        return 0
    # the last words that agree may lean on what differs behind them
    return max(range((same + 1) // 2, same - 1), key=lambda n: (round(one[n].start - one[n - 1].end, 2), n), default=0)


def _up_to(found: Timed, kept: int) -> tuple[Timed, float]:
    end = (found.words[kept - 1].end + found.words[kept].start) / 2
    return Timed(found.words[:kept], [p for p in found.phones if p.end <= end + 1e-6]), end
