"""Forced alignment that learns the corpus: pocketsphinx finds the words roughly, a model of this corpus finds their edges.

train:  clips ─ sphinx ─ rough words ─ rounds of learning (acoustic/learning.py) ─ model
align:  clip  ─ sphinx ─ does the transcript belong? ─ likeliest pronunciations ─ medians of the edges ─ edges at pauses

A word's score is pocketsphinx's. Phones are CMU's for English, for another language espeak-ng's IPA.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from pydantic import Field, PrivateAttr

from weft.pipelines.acoustic.edges import at_edges
from weft.pipelines.acoustic.learning import Heard, Ways, learn
from weft.pipelines.acoustic.locating import Place, locate
from weft.pipelines.acoustic.model import AcousticModel
from weft.pipelines.aligners import sphinx
from weft.pipelines.aligners.base import Clip, Timed, Unalignable
from weft.pipelines.aligners.lexicon import ENGLISH, sounds
from weft.schemas.audio import Word
from weft.tokenizers.mfcc import cepstra

_FEWEST_SECONDS = 10.0  # of speech; less teaches nothing, and the first aligner's words stand
_WAYS = 6  # pronunciations of a word that are weighed


class Aligner(sphinx.Aligner):
    """Learns from `seconds` of the corpus. The other settings are the first aligner's."""

    seconds: float = Field(default=3600.0, gt=0)

    _model: AcousticModel | None = PrivateAttr(default=None)

    @property
    def training_seconds(self) -> float:
        return self.seconds

    def version(self) -> str:
        return f"{super().version()}+acoustic-1"

    def train(self, clips: Sequence[Clip], folder: Path, seed: int) -> None:
        heard = list(self._heard(clips))
        if sum(end - start for h in heard for start, end in h.places) >= _FEWEST_SECONDS:
            learn(heard).save(folder)

    def load(self, folder: Path) -> None:
        self._model = AcousticModel.load(folder) if (folder / "acoustic.safetensors").exists() else None

    def _heard(self, clips: Sequence[Clip]) -> Iterator[Heard]:
        for clip in clips:
            try:
                rough = super()._align(clip).words
            except Unalignable:
                continue
            ways = tuple(self._ways(word) for word in clip.spoken)
            yield Heard(cepstra(clip.samples), clip.speaker, ways, tuple((word.start, word.end) for word in rough))

    def _ways(self, word: str) -> Ways:
        own = (
            [tuple(way.split()) for way in self.ways(word)] if self.language == ENGLISH else sounds(word, self.language)
        )
        return tuple(own[:_WAYS])

    def _align(self, clip: Clip) -> Timed:
        rough = super()._align(clip)
        if self._model is None:
            return rough
        try:
            places = locate(self._model, cepstra(clip.samples), clip.speaker, [self._ways(w) for w in clip.spoken])
        except ValueError:  # the first aligner's words are the best there are
            return rough
        phones = [p for p in places if p.word >= 0]
        spans = [list(group) for _, group in groupby(phones, key=lambda p: p.word)]
        words = [replace(w, start=s[0].start, end=s[-1].end) for w, s in zip(rough.words, spans, strict=True)]
        words = at_edges(clip.samples, words)
        return Timed(words, list(_within(words, spans)))


def _within(words: Sequence[Word], spans: Sequence[Sequence[Place]]) -> Iterator[Word]:
    """The phones as words are written, the outer ones following their word's edges."""
    for word, span in zip(words, spans, strict=True):
        starts = [word.start, *(min(max(p.start, word.start), word.end) for p in span[1:])]
        for place, start, end in zip(span, starts, [*starts[1:], word.end], strict=True):
            yield Word(place.phone, start, end, word.score)
