"""Forced alignment: the start and end time of each written word of an utterance.

    aligner.align_clip(Clip(samples, spoken=["well", "forty", "two"]))   ->   Timed([Word("well", 0.21, 0.48, -1.1), …])

A backend implements one method, `align_clip`, which times the spoken words of a clip (`well forty two is it`), or `align_clips` where
many at once are quicker. This base only declares what a backend may define. The stage calls `common/utterances.py`, which calls it:
that reads the audio, in windows where it is long, maps written to spoken words (one to none, one or several), and keeps the words in
order and within the audio.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from weft.pipelines.aligners.common.clips import (
    Clip,
    Timed,
    Unalignable,
    check_length,
    speaker_of,
)
from weft.pipelines.aligners.common.spoken import language_of, spoken_forms
from weft.pipelines.aligners.common.written import mean_score
from weft.schemas.audio import Utterance
from weft.schemas.ledger import Unusable
from weft.schemas.resources import Resources
from weft.schemas.settings import Versioned

__all__ = ("Aligner", "Clip", "Timed", "Unalignable", "check_length", "mean_score", "speaker_of")


class Aligner(Versioned):
    """The base of every `pipelines/aligners/NAME.py`.

    One that learns from the corpus also implements `training_seconds`, `train` and `load`.
    """

    @property
    def spoken_language(self) -> str:
        """The language it aligns, as the first part of a code such as `en`; "" for any language."""
        return ""

    @property
    def longest(self) -> float:
        """The most seconds it aligns at once. Longer audio is aligned window after window."""
        return math.inf

    @property
    def batch_seconds(self) -> float:
        """Seconds of audio in one batch of `align_clips`; 0 for an aligner without batches."""
        return 0.0

    @property
    def training_seconds(self) -> float:
        """Seconds of audio that `train` takes; 0 for an aligner that learns nothing from the corpus."""
        return 0.0

    @property
    def resources(self) -> Resources:
        """CPUs, GPUs and memory of one worker."""
        return Resources()

    def version(self) -> str:
        """Backend and model, such as `pocketsphinx-5.1.1`: with the settings they determine the times."""
        raise NotImplementedError

    def train(self, clips: Sequence[Clip], folder: Path, seed: int) -> None:
        """Learn from clips and write the model into `folder`. The same clips and seed give the same model."""
        raise NotImplementedError

    def setup(self) -> None:
        """Load models. Called once per worker, before the first alignment."""

    def load(self, folder: Path) -> None:
        """Load the model that `train` wrote, after `setup`. Raises ValueError for a model that does not fit the settings."""

    def verbalize(self, written: str) -> list[str]:
        """The spoken words of a written one; digits stay digits where the aligner's own lexicon has them."""
        return spoken_forms(written)

    def given_times(self, utterance: Utterance) -> Timed | None:
        """The times that came with the utterance; None for an aligner that takes them from the audio. Raises Unalignable."""
        return None

    def align_clip(self, clip: Clip) -> Timed:
        """Time spoken words: exactly one Word for each, in order, in seconds. Raises Unusable."""
        raise NotImplementedError

    def align_clips(self, clips: Sequence[Clip]) -> Iterator[Timed | Unusable]:
        """The result or fault of `align_clip` for each clip, in order."""
        for clip in clips:
            try:
                yield self.align_clip(clip)
            except Unusable as fault:
                yield fault

    def can_align(self, utterance: Utterance) -> bool:
        """Whether the utterance is in the aligner's language; true where either language is not given."""
        return not self.spoken_language or language_of(utterance.language) in ("", self.spoken_language)

    def spoken_words(self, text: str) -> list[str]:
        """The spoken words of a whole text."""
        return [form for word in text.split() for form in self.verbalize(word)]
