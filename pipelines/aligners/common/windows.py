"""Aligns recordings of any length with one transcript, window after window, in constant memory.

    audio        |--- window 1 ---------|
                            |--- window 2 ---------|
    transcript   the boats came home | before the storm …
                                     ^ anchor: a pause between words that two alignments put at the same place

The number of words in a window is unknown, so the window is aligned with several counts of words. A wrong count moves only the
last words: the words at the same times in two alignments are right. The next window begins in the longest pause of their second half.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from weft.pipelines.aligners.base import Aligner
from weft.pipelines.aligners.common.at_once import align_samples
from weft.pipelines.aligners.common.clips import Timed, Unalignable, speaker_of
from weft.pipelines.audio.reader import AudioReader
from weft.schemas.audio import Utterance, Word
from weft.schemas.ledger import Unusable

WINDOWS = (
    15.0,
    25.0,
    40.0,
    80.0,
    160.0,
)  # seconds; the next one is tried where a window has no anchor, for example in a long silence
LAST = 20.0  # seconds; a remainder up to this length is aligned at once
# times the average number of words in a window: small counts are cheaper to align than large ones, but some aligners refuse too few
# words, and a stretch may be spoken faster than the rest
_COUNTS = (0.5, 0.65, 0.35, 0.8, 1.0, 1.3, 1.7, 2.2, 0.2)
_TOLERANCE = 0.03  # seconds by which two alignments of a word may differ
_FEWEST = 5  # words on which two alignments must agree


@dataclass(frozen=True, slots=True)
class LongRecording:
    """An utterance of any length, with what reads it and what aligns its windows."""

    aligner: Aligner
    audio: AudioReader
    utterance: Utterance

    def align(self, samples: np.ndarray, words: Sequence[str]) -> Timed:
        """The written words of a window, in seconds of it. Raises Unusable."""
        return align_samples(self.aligner, samples, words, speaker=speaker_of(self.utterance), of=self.utterance.key)

    def samples(self, start: float, end: float) -> np.ndarray:
        """From second to second, float32 [n], mono, 16 kHz. Raises Unusable."""
        return self.audio.stretch(self.utterance, start, end)


def align_long(recording: LongRecording) -> Timed:
    """Times the written words of its text. Raises Unusable: no_anchor, or the aligner's own fault in the last window."""
    words = (recording.utterance.text or "").split()
    at = 0.0
    timed_words: list[Word] = []
    phones: list[Word] = []
    while len(timed_words) < len(words):
        window, end = _window(recording, at, words[len(timed_words) :])
        timed_words += _moved(window.words, at)
        phones += _moved(window.phones, at)
        at += end
    return Timed(timed_words, phones)


def _moved(words: Sequence[Word], by: float) -> Iterator[Word]:
    return (replace(w, start=w.start + by, end=w.end + by) for w in words)


def _window(recording: LongRecording, at: float, words: Sequence[str]) -> tuple[Timed, float]:
    """The timed words from `at` seconds up to an anchor, and the seconds from `at` to it."""
    whole, longest = recording.utterance.seconds, recording.aligner.longest
    left = whole - at
    if left <= min(LAST, longest):
        return recording.align(recording.samples(at, whole), words), left
    for seconds in dict.fromkeys(min(seconds, longest, left) for seconds in WINDOWS):
        samples = recording.samples(at, at + seconds)
        before: Timed | None = None
        for timed in _tries(recording, samples, words, len(words) * seconds / left):
            if before and (kept := anchor(before.words, timed.words)):
                return _up_to(timed, kept)
            before = timed
    raise Unalignable(
        "no_anchor",
        f"from {at:.1f} s of {whole:.1f} s on, at {' '.join(words[:8])[:80]!r}, no two alignments agree",
    )


def _tries(recording: LongRecording, samples: np.ndarray, words: Sequence[str], expected: float) -> Iterator[Timed]:
    """Alignments of one window with each count of words; counts that the aligner rejects are skipped."""
    for count in dict.fromkeys(max(2 * _FEWEST, round(expected * share)) for share in _COUNTS):
        try:
            yield recording.align(samples, words[:count])
        except Unalignable as fault:
            if fault.reason in ("unknown_word", "language"):  # no other count helps
                raise
        except Unusable:
            continue


def anchor(one: Sequence[Word], other: Sequence[Word]) -> int:
    """The number of words before the anchor, in two alignments of the same first words; 0 where they agree on too few."""
    same = 0
    for a, b in zip(one, other, strict=False):
        if max(abs(a.start - b.start), abs(a.end - b.end)) > _TOLERANCE:
            break
        same += 1
    if same < _FEWEST or same == len(one) == len(other):
        return 0
    # the last words that agree may still be moved by the different words behind them
    return max(range((same + 1) // 2, same - 1), key=lambda n: (round(one[n].start - one[n - 1].end, 2), n), default=0)


def _up_to(timed: Timed, kept: int) -> tuple[Timed, float]:
    end = (timed.words[kept - 1].end + timed.words[kept].start) / 2
    return Timed(timed.words[:kept], [p for p in timed.phones if p.end <= end + 1e-6]), end
