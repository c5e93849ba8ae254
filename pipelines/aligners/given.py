"""Uses the word times that came with an utterance, from a label file or a voice that reports them. No audio is read.

Utterance(…, start=3.0, end=4.0, words=(Word("good", -0.01, 0.4), Word("morning", 0.4, 1.02)))
->  Alignment(…, words=(Word("good", 0.0, 0.4), Word("morning", 0.4, 1.0)), …)
"""

import math
from collections.abc import Sequence

from weft.pipelines.aligners import base
from weft.pipelines.aligners.base import Timed, Unalignable
from weft.pipelines.aligners.common.clips import check_text
from weft.schemas.audio import Utterance, Word


class Aligner(base.Aligner):
    """Checks the given words. `slack`: seconds by which a word may overlap the one before it or reach beyond its utterance."""

    slack: float = 0.05

    def version(self) -> str:
        return "1"

    def given_times(self, utterance: Utterance) -> Timed:
        """The utterance's own words; they are trimmed later where they overlap by at most `slack`.

        Raises Unalignable: no_words where there are none, bad_timing where they overlap more or are out of order.
        """
        if not utterance.words:
            check_text(utterance)
            raise Unalignable(
                "no_words", "the utterance carries no timed words, and `align: {use: given}` cannot compute times"
            )
        self._check(utterance.words, utterance.seconds)
        return Timed(utterance.words, utterance.phones)

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
