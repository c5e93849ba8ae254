"""Uses the word times that came with an utterance, from a label file or a voice that reports them. No audio is read.

Utterance(…, start=3.0, end=4.0, words=(Word("good", -0.01, 0.4), Word("morning", 0.4, 1.02)))
->  Alignment(…, words=(Word("good", 0.0, 0.4), Word("morning", 0.4, 1.0)), …)
"""

import math
from collections.abc import Iterator, Sequence

from weft.pipelines.aligners import base
from weft.pipelines.aligners.base import Timed, Transcribed, Unalignable
from weft.pipelines.aligners.common.utterances import alignment_of, check_text
from weft.schemas.audio import Alignment, Utterance, Word
from weft.schemas.ledger import Unusable


class Aligner(base.Aligner):
    """Checks the given words. `slack`: seconds by which a word may overlap the one before it or reach beyond its utterance."""

    slack: float = 0.05

    def version(self) -> str:
        return "1"

    def align(self, transcribed: Sequence[Transcribed]) -> Iterator[Alignment | Unusable]:
        """The utterances' own words, trimmed where they overlap by at most `slack`; or why there are none."""
        for one in transcribed:
            try:
                yield self._given(one.utterance)
            except Unalignable as fault:
                yield fault

    def _given(self, utterance: Utterance) -> Alignment:
        """Raises Unalignable: no_words where there are none, bad_timing where they overlap more or are out of order."""
        if not utterance.words:
            check_text(utterance)
            raise Unalignable(
                "no_words", "the utterance carries no timed words, and `align: {use: given}` cannot compute times"
            )
        self._check(utterance.words, utterance.seconds)
        return alignment_of(self, utterance, Timed(utterance.words, utterance.phones))

    def _check(self, words: Sequence[Word], seconds: float) -> None:
        last_end = 0.0
        for number, word in enumerate(words):
            place = f"word {number} {word.text!r} at {word.start:.3f}-{word.end:.3f} s"
            if not (math.isfinite(word.start) and math.isfinite(word.end)):
                raise Unalignable("bad_timing", f"{place}: not a time")
            if word.end < word.start:
                raise Unalignable("bad_timing", f"{place}: ends before it starts")
            if word.start < last_end - self.slack:
                raise Unalignable("bad_timing", f"{place}: starts before {last_end:.3f} s, where it may begin")
            if word.end > seconds + self.slack:
                raise Unalignable("bad_timing", f"{place}: outside the utterance of {seconds:.3f} s")
            last_end = max(last_end, word.end)
