"""Forced alignment that learns the corpus: pocketsphinx finds rough words, a model trained on the corpus finds their edges.

train:  clips ─ pocketsphinx ─ rough words ─ rounds of learning (acoustic/learning.py) ─ model
align:  clip  ─ model: likeliest pronunciations ─ does the transcript belong? ─ medians of the edges ─ edges at pauses

With too little speech to train on, pocketsphinx's words are used. A word's score is nats per frame of 10 ms below the best state
of the model at that frame: 0 is a perfect fit, read speech lies about -1.5, a transcript of something else about -8. Phones
are CMU's for English, espeak-ng's IPA for other languages.
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

if TYPE_CHECKING:  # checking a recipe must not import numba; training and aligning do
    from weft.pipelines.acoustic.learning import TrainingClip
    from weft.pipelines.acoustic.locating import PhonePath, Place
    from weft.pipelines.acoustic.model import AcousticModel
    from weft.pipelines.acoustic.network import PhoneNumbers
    from weft.pipelines.acoustic.phones import Pronunciations

# parts of the method, like the constants of acoustic/: benchmarks/alignment was measured with them; who changes one raises `version`
_FEWEST_SECONDS = 10.0  # of speech; less is too little to train on
_PRONUNCIATIONS = 6  # pronunciations of a word that are tried
_NEARLY_PERFECT = -1.0  # noise never scores as high


class Aligner(sphinx.Aligner):
    """Trains on `seconds` of the corpus. pocketsphinx's settings decide which clips are used for training.

    A transcript is rejected as a mismatch where the mean score of the speech frames is below `min_fit`. It is rejected too where
    that score is less than `fit_lead` above the score of the reversed words, unless it is nearly perfect: noise fits any words.
    Of 77 real English and 69 German clips the defaults reject none and one with their own transcripts, and 99 and 100 % with
    other clips' transcripts.
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
        """Writes nothing where there is too little speech, or where most transcripts seem to belong to other clips."""
        from weft.pipelines.acoustic.learning import learn

        training_clips = list(self._training_clips(clips))
        seconds = sum(end - start for clip in training_clips for start, end in clip.places)
        if seconds >= _FEWEST_SECONDS and len(training_clips) >= len(clips) / 2:
            learn(training_clips).save(folder)

    def load(self, folder: Path) -> None:
        from weft.pipelines.acoustic.model import AcousticModel

        self._model = AcousticModel.load(folder) if (folder / "acoustic.safetensors").exists() else None

    def _training_clips(self, clips: Sequence[Clip]) -> "Iterator[TrainingClip]":
        from weft.pipelines.acoustic.learning import TrainingClip

        for number, clip in enumerate(clips):
            report_step("rough words of clips", number, len(clips))
            try:
                rough = self.rough(clip)
            except Unalignable:
                continue
            pronunciations = tuple(self._pronunciations(word) for word in clip.spoken)
            if all(pronunciations):
                places = tuple((word.start, word.end) for word in rough)
                yield TrainingClip(
                    cepstra=cepstra(clip.samples), speaker=clip.speaker, words=pronunciations, places=places
                )

    def _pronunciations(self, word: str) -> "Pronunciations":
        own = tuple(tuple(phones.split()) for phones in self.pronunciations(word))  # raises for a word without one
        return own[:_PRONUNCIATIONS] if self.language == ENGLISH else sounds(word, self.language)[:_PRONUNCIATIONS]

    def align_clip(self, clip: Clip) -> Timed:
        from weft.pipelines.acoustic.locating import align_phones
        from weft.pipelines.acoustic.network import TooShort

        pronunciations = [self._pronunciations(word) for word in clip.spoken]
        numbered = [self._model.phones.numbered(of_word) for of_word in pronunciations] if self._model else []
        if self._model is None or not all(numbered):  # a word has a phone that the training set lacks
            return super().align_clip(clip)
        check_length(clip, self.max_seconds)
        scores = self._model.scores(cepstra(clip.samples), clip.speaker)
        try:
            path = align_phones(self._model, scores, numbered)
        except TooShort:
            short = f"{len(clip.samples) / RATE:.2f} s are too short for {' '.join(clip.spoken)[:80]!r}"
            raise Unalignable("alignment_failed", short) from None
        self._check_fit(path, numbered)
        return _timed(clip, path.places())

    def _check_fit(self, path: "PhonePath", words: "Sequence[Sequence[PhoneNumbers]]") -> None:
        """Raises Unalignable when the transcript seems to belong to other audio."""
        from weft.pipelines.acoustic.locating import align_phones

        if path.fit < self.min_fit:
            raise Unalignable("mismatch", f"score {path.fit:.2f} is below min_fit {self.min_fit:g}")
        backwards = [[phones[::-1] for phones in of_word] for of_word in reversed(words)]
        if path.fit >= _NEARLY_PERFECT or backwards == list(words):
            return
        lead = path.fit - align_phones(path.model, path.scores, backwards).fit
        if lead < self.fit_lead:
            lead_over = f"only {lead:.2f} above that of the reversed words (fit_lead {self.fit_lead:g})"
            raise Unalignable(
                "mismatch", f"the transcript may not belong to this audio: score {path.fit:.2f}, {lead_over}"
            )


def _mean_score(places: "Sequence[Place]") -> float:
    return sum((p.end - p.start) * p.score for p in places) / sum(p.end - p.start for p in places)


def _timed(clip: Clip, places: "Sequence[Place]") -> Timed:
    spans = [list(span) for word, span in groupby(places, key=lambda p: p.word) if word >= 0]
    words = [
        Word(text=text, start=s[0].start, end=s[-1].end, score=_mean_score(s))
        for text, s in zip(clip.spoken, spans, strict=True)
    ]
    words = at_edges(clip.samples, words)
    return Timed(words, list(_within(words, spans)))


def _within(words: Sequence[Word], spans: "Sequence[Sequence[Place]]") -> Iterator[Word]:
    """The phones of each word; the first and last phone follow the edges of the word."""
    for word, span in zip(words, spans, strict=True):
        starts = [word.start, *(min(max(p.start, word.start), word.end) for p in span[1:])]
        for place, start, end in zip(span, starts, [*starts[1:], word.end], strict=True):
            yield Word(text=place.phone, start=start, end=end, score=place.score)
