"""Takes the words an utterance came with: a voice that reports its timing, a label file. No audio is read.

Utterance(…, start=3.0, end=4.0, words=(Word("good", -0.01, 0.4), Word("morning", 0.4, 1.02)))
->  Alignment(…, words=(Word("good", 0.0, 0.4), Word("morning", 0.4, 1.0)), …)
"""

import math
from collections.abc import Sequence

import numpy as np

from weft.pipelines.aligners import base
from weft.pipelines.aligners.base import Clip, Timed, Unalignable
from weft.schemas.audio import Alignment, Utterance, Word


class Aligner(base.Aligner):
    """Given words, checked. `slack` is how far (seconds) one may reach over its neighbour or its utterance."""

    slack: float = 0.05

    def version(self) -> str:
        return "1"

    def align_utterance(self, utterance: Utterance, samples: np.ndarray | None = None) -> Alignment:
        """The utterance's own words, trimmed where they reach over by at most `slack`.

        Raises Unalignable: no_words where there are none, bad_timing where they reach further or run backwards.
        """
        if not utterance.words:
            raise Unalignable("no_words", "the utterance carries no timed words")
        self._check(utterance.words, utterance.seconds)
        return self.alignment(utterance, Timed(utterance.words, utterance.phones))

    def _align(self, clip: Clip) -> Timed:
        """Where a recipe takes given times alone, what comes without them cannot be aligned."""
        raise Unalignable("no_words", "the utterance carries no timed words, and `align: {use: given}` finds none")

    def _check(self, words: Sequence[Word], seconds: float) -> None:
        reached = 0.0
        for number, word in enumerate(words):
            place = f"word {number} {word.text!r} at {word.start:.3f}-{word.end:.3f} s"
            if not (math.isfinite(word.start) and math.isfinite(word.end)):
                raise Unalignable("bad_timing", f"{place}: not a time")
            if word.end < word.start:
                raise Unalignable("bad_timing", f"{place}: ends before it starts")
            if word.start < reached - self.slack:
                raise Unalignable("bad_timing", f"{place}: starts before {reached:.3f} s, where it may begin")
            if word.end > seconds + self.slack:
                raise Unalignable("bad_timing", f"{place}: outside the utterance of {seconds:.3f} s")
            reached = max(reached, word.end)
