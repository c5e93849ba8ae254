"""Forced alignment that learns the corpus: pocketsphinx finds words roughly, a model of the corpus's own sounds their edges.

train:  clips ─ pocketsphinx ─ rough words ─ rounds of learning (acoustic/learning.py) ─ model
align:  clip  ─ model: likeliest pronunciations ─ does the transcript belong? ─ medians of the edges ─ edges at pauses

Where too little was heard to learn from, pocketsphinx's words stand. A word's score is nats per frame of 10 ms below the best sound
the model knows for that frame: 0 is a perfect fit, read speech lies about -1.5, a transcript of something else about -8. Phones
are CMU's for English, for another language espeak-ng's IPA.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, PrivateAttr

from weft.pipelines.acoustic.edges import at_edges
from weft.pipelines.aligners import sphinx
from weft.pipelines.aligners.base import Clip, Timed, Unalignable, check_length
from weft.pipelines.aligners.common.lexicon import ENGLISH, sounds
from weft.pipelines.audio.sound import RATE
from weft.schemas.audio import Word
from weft.schemas.learning import report_step
from weft.tokenizers.features.mfcc import cepstra

if TYPE_CHECKING:  # a recipe is checked without numba; whoever learns or aligns imports it
    from weft.pipelines.acoustic.learning import TrainingClip
    from weft.pipelines.acoustic.locating import Laid, Place
    from weft.pipelines.acoustic.model import AcousticModel
    from weft.pipelines.acoustic.network import Way
    from weft.pipelines.acoustic.phones import Ways

_FEWEST_SECONDS = 10.0  # of speech; less teaches nothing
_WAYS = 6  # pronunciations of a word that are weighed
_NEARLY_PERFECT = -1.0  # no noise reaches it


class Aligner(sphinx.Aligner):
    """Learns from `seconds` of the corpus; the other settings of pocketsphinx decide which clips are fit to learn from.

    Speech whose frames score under `min_fit` in the mean belongs to another transcript. So it does where it is not better by
    `fit_lead` than the words said backwards, unless nearly perfect: noise fits anything. Of 77 real English and 69 German clips
    the defaults refuse none and one with their own transcripts, 99 and 100 % with other clips'.
    """

    seconds: float = Field(default=3600.0, gt=0)
    min_fit: float = -5.0
    fit_lead: float = 1.5

    _model: "AcousticModel | None" = PrivateAttr(default=None)

    @property
    def training_seconds(self) -> float:
        return self.seconds

    def version(self) -> str:
        return f"{super().version()}+acoustic-1"

    def train(self, clips: Sequence[Clip], folder: Path, seed: int) -> None:
        """Writes nothing where there is too little to learn from, or most transcripts seem to be of other clips."""
        from weft.pipelines.acoustic.learning import learn

        heard = list(self._heard(clips))
        spoken = sum(end - start for h in heard for start, end in h.places)
        if spoken >= _FEWEST_SECONDS and len(heard) >= len(clips) / 2:
            learn(heard).save(folder)

    def load(self, folder: Path) -> None:
        from weft.pipelines.acoustic.model import AcousticModel

        self._model = AcousticModel.load(folder) if (folder / "acoustic.safetensors").exists() else None

    def _heard(self, clips: Sequence[Clip]) -> "Iterator[TrainingClip]":
        from weft.pipelines.acoustic.learning import TrainingClip

        for number, clip in enumerate(clips):
            report_step("rough words of clips", number, len(clips))
            try:
                rough = self.rough(clip)
            except Unalignable:
                continue
            ways = tuple(self._ways(word) for word in clip.spoken)
            if all(ways):
                yield TrainingClip(
                    cepstra(clip.samples), clip.speaker, ways, tuple((word.start, word.end) for word in rough)
                )

    def _ways(self, word: str) -> "Ways":
        own = tuple(tuple(way.split()) for way in self.ways(word))  # raises for a word that nothing can say
        return own[:_WAYS] if self.language == ENGLISH else sounds(word, self.language)[:_WAYS]

    def _align(self, clip: Clip) -> Timed:
        from weft.pipelines.acoustic.locating import lay
        from weft.pipelines.acoustic.network import TooShort

        ways = [self._ways(word) for word in clip.spoken]
        known = [self._model.phones.numbered(several) for several in ways] if self._model else []
        if self._model is None or not all(known):  # a word of sounds that were never heard
            return super()._align(clip)
        check_length(clip, self.max_seconds)
        scores = self._model.scores(cepstra(clip.samples), clip.speaker)
        try:
            found = lay(self._model, scores, known)
        except TooShort:
            short = f"{len(clip.samples) / RATE:.2f} s do not hold {' '.join(clip.spoken)[:80]!r}"
            raise Unalignable("alignment_failed", short) from None
        self._check_fit(found, known)
        return _timed(clip, found.places())

    def _check_fit(self, found: "Laid", words: "Sequence[Sequence[Way]]") -> None:
        """Raises Unalignable when the transcript seems to belong to other audio."""
        from weft.pipelines.acoustic.locating import lay

        if found.fit < self.min_fit:
            raise Unalignable("mismatch", f"score {found.fit:.2f} is below min_fit {self.min_fit:g}")
        backwards = [[way[::-1] for way in several] for several in reversed(words)]
        if found.fit >= _NEARLY_PERFECT or backwards == list(words):
            return
        lead = found.fit - lay(found.model, found.scores, backwards).fit
        if lead < self.fit_lead:
            said = f"score {found.fit:.2f} is {lead:.2f} better than backwards, below fit_lead {self.fit_lead:g}"
            raise Unalignable("mismatch", said)


def _mean_score(places: "Sequence[Place]") -> float:
    return sum((p.end - p.start) * p.score for p in places) / sum(p.end - p.start for p in places)


def _timed(clip: Clip, places: "Sequence[Place]") -> Timed:
    spans = [list(span) for word, span in groupby(places, key=lambda p: p.word) if word >= 0]
    words = [Word(text, s[0].start, s[-1].end, _mean_score(s)) for text, s in zip(clip.spoken, spans, strict=True)]
    words = at_edges(clip.samples, words)
    return Timed(words, list(_within(words, spans)))


def _within(words: Sequence[Word], spans: "Sequence[Sequence[Place]]") -> Iterator[Word]:
    """The phones as words are written, the outer ones following their word's edges."""
    for word, span in zip(words, spans, strict=True):
        starts = [word.start, *(min(max(p.start, word.start), word.end) for p in span[1:])]
        for place, start, end in zip(span, starts, [*starts[1:], word.end], strict=True):
            yield Word(place.phone, start, end, place.score)
