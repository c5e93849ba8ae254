"""Forced alignment: the start and end time of each written word of an utterance.

    aligner.align(samples, ["Well,", "forty-two", "-", "is", "it?"])
    ->  Word("Well,", 0.21, 0.48, -1.1), Word("forty-two", 0.48, 1.10, -0.9), Word("-", 1.10, 1.10, 0.0), …

An aligner implements only `_align`, which times the spoken words of a clip (`well forty two is it`). This base maps written
to spoken words (one to none, one or several), and keeps the words in order and within the audio.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from weft.pipelines.aligners.common.spoken import language_of, spoken_forms
from weft.pipelines.audio.sound import RATE
from weft.schemas.audio import Alignment, Utterance, Word
from weft.schemas.ledger import Unusable
from weft.schemas.resources import Resources
from weft.schemas.settings import Versioned


class Unalignable(Unusable):
    """An utterance that gets no alignment. `reason` is a short fixed word, `detail` is a sentence with the figures.

    no_transcript, no_words, unknown_word, language, mismatch, alignment_failed, too_long; bad_timing of given words.
    """


@dataclass(frozen=True, slots=True)
class Clip:
    """An aligner's input: samples (float32 [n], mono, 16 kHz, -1 to 1), their spoken words, and the speaker ("": unknown)."""

    samples: np.ndarray
    spoken: list[str]
    speaker: str = ""


@dataclass(frozen=True, slots=True)
class Timed:
    """Words in order, with their phones where the aligner reports them."""

    words: Sequence[Word]
    phones: Sequence[Word] = ()


class Aligner(Versioned):
    """The base of every `pipelines/aligners/NAME.py`.

    One that learns from the corpus also implements `training_seconds`, `train` and `load`.
    """

    @property
    def training_seconds(self) -> float:
        """Seconds of audio that `train` takes; 0 for an aligner that learns nothing from the corpus."""
        return 0.0

    def train(self, clips: Sequence[Clip], folder: Path, seed: int) -> None:
        """Learn from clips and write the model into `folder`. The same clips and seed give the same model."""
        raise NotImplementedError

    def load(self, folder: Path) -> None:
        """Load the model that `train` wrote, after `setup`. Raises ValueError for a model that does not fit the settings."""

    @property
    def spoken_language(self) -> str:
        """The language it aligns, as the first part of a code such as `en`; "" for any language."""
        return ""

    @property
    def longest(self) -> float:
        """The most seconds it aligns at once. Longer audio is aligned window after window."""
        return math.inf

    @property
    def resources(self) -> Resources:
        """CPUs, GPUs and memory of one worker."""
        return Resources()

    def understands(self, utterance: Utterance) -> bool:
        """Whether the utterance is in the aligner's language; true where either language is not given."""
        return not self.spoken_language or language_of(utterance.language) in ("", self.spoken_language)

    def setup(self) -> None:
        """Load models. Called once per worker, before the first alignment."""

    def say(self, written: str) -> list[str]:
        """The spoken words of a written one; digits stay digits where the aligner's own lexicon has them."""
        return spoken_forms(written)

    def spoken(self, text: str) -> list[str]:
        """The spoken words of a whole text."""
        return [form for word in text.split() for form in self.say(word)]

    def version(self) -> str:
        """Backend and model, such as `pocketsphinx-5.1.1`: with the settings they determine the times."""
        raise NotImplementedError

    def align(self, samples: np.ndarray, words: Sequence[str]) -> tuple[Word, ...]:
        """The words of `timed` alone."""
        return tuple(self.timed(samples, words).words)

    def timed(self, samples: np.ndarray, words: Sequence[str], speaker: str = "") -> Timed:
        """Time written words in `samples` (float32, mono, 16 kHz, -1 to 1); one Word for each, in order, in seconds.

        Words do not overlap and lie within the audio. A token without spoken words, such as a lone dash, gets length 0.
        Raises Unusable.
        """
        written = self._written(samples, words, speaker)
        return written.timed(self._align(written.clip))

    def align_utterance(self, utterance: Utterance, samples: np.ndarray) -> Alignment:
        """Align an utterance to its own transcript. Raises Unusable."""
        (alignment,) = self.align_utterances([(utterance, samples)])
        if isinstance(alignment, Unusable):
            raise alignment
        return alignment

    def align_utterances(self, spoken: Sequence[tuple[Utterance, np.ndarray]]) -> Iterator[Alignment | Unusable]:
        """Align each utterance to its own transcript: its alignment or the reason that it has none, in order."""
        inputs = [self._checked_input(utterance, samples) for utterance, samples in spoken]
        outputs = iter(self._align_all([one.clip for one in inputs if isinstance(one, _WrittenClip)]))
        for (utterance, _), written in zip(spoken, inputs, strict=True):
            if isinstance(written, Unusable):
                yield written
                continue
            timed = next(outputs)
            yield timed if isinstance(timed, Unusable) else self.alignment(utterance, written.timed(timed))

    def check(self, utterance: Utterance) -> None:
        """Raises Unalignable for an utterance without text or in another language."""
        if not utterance.text or not utterance.text.strip():
            raise Unalignable("no_transcript", "the utterance has no text to align")
        if not self.understands(utterance):
            languages = (
                f"the utterance is in {utterance.language!r}, the aligner's language is {self.spoken_language!r}"
            )
            raise Unalignable("language", f"{languages}: set its `language`")

    def _checked_input(self, utterance: Utterance, samples: np.ndarray) -> "_WrittenClip | Unalignable":
        try:
            self.check(utterance)
            return self._written(samples, (utterance.text or "").split(), speaker_of(utterance))
        except Unalignable as fault:
            return fault

    def _written(self, samples: np.ndarray, words: Sequence[str], speaker: str) -> "_WrittenClip":
        """Raises Unalignable when no written word is spoken."""
        forms = [self.say(word) for word in words]  # the spoken words of each written one
        spoken = [form for word_forms in forms for form in word_forms]
        if not spoken:
            raise Unalignable("no_words", f"no word of {' '.join(words)[:80]!r} is spoken")
        clip = Clip(samples=samples, spoken=spoken, speaker=speaker)
        return _WrittenClip(clip=clip, words=words, counts=[len(word_forms) for word_forms in forms])

    def alignment(self, utterance: Utterance, timed: Timed) -> Alignment:
        """The record of an utterance's timed words."""
        name = type(self).__module__.rpartition(".")[2]
        # resampling can round the audio up by a sample
        words, phones = (tuple(_clamped(marks, utterance.seconds)) for marks in (timed.words, timed.phones))
        return Alignment(
            key=utterance.key,
            seconds=utterance.seconds,
            aligner=f"{name} {self.version()}",
            words=words,
            score=mean_score(timed.words),
            phones=phones,
        )

    @property
    def batch_seconds(self) -> float:
        """Seconds of audio in one batch of `_align_all`; 0 for an aligner without batches."""
        return 0.0

    def _align_all(self, clips: Sequence[Clip]) -> Iterator[Timed | Unusable]:
        """The result or fault of `_align` for each clip, in order."""
        for clip in clips:
            try:
                yield self._align(clip)
            except Unusable as fault:
                yield fault

    def _align(self, clip: Clip) -> Timed:
        """Time spoken words: exactly one Word for each, in order, in seconds. Raises Unusable."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class _WrittenClip:
    """A clip, its written words, and the number of spoken words of each written one."""

    clip: Clip
    words: Sequence[str]
    counts: Sequence[int]

    def timed(self, spoken: Timed) -> Timed:
        """The written words, with the times of their spoken words."""
        count, seconds = len(self.clip.spoken), len(self.clip.samples) / RATE
        assert len(spoken.words) == count, f"{count} spoken words came back as {len(spoken.words)}"
        words, phones = (_clamped(marks, seconds) for marks in (spoken.words, spoken.phones))
        return Timed(_as_written(self.words, self.counts, words), phones)


def speaker_of(utterance: Utterance) -> str:
    """The speaker's name in the corpus, with the source, because two sources may each have an `s1`."""
    return f"{utterance.source}/{utterance.speaker}" if utterance.speaker else ""


def check_length(clip: Clip, max_seconds: float) -> None:
    """Raises Unalignable for a clip of more than `max_seconds`."""
    if (seconds := len(clip.samples) / RATE) > max_seconds:
        raise Unalignable("too_long", f"{seconds:.1f} s, where max_seconds is {max_seconds:g}")


def mean_score(words: Sequence[Word]) -> float:
    """The mean of the words' scores, weighted by their length; 0 where no word has a length."""
    seconds = sum(word.end - word.start for word in words)
    return sum(word.score * (word.end - word.start) for word in words) / seconds if seconds else 0.0


def _clamped(words: Sequence[Word], seconds: float) -> list[Word]:
    """The words within 0 to `seconds`, none beginning before the one before it ends."""
    out: list[Word] = []
    floor = 0.0
    for word in words:
        start = min(max(word.start, floor), seconds)
        floor = min(max(word.end, start), seconds)
        out.append(replace(word, start=start, end=floor))
    return out


def _as_written(words: Sequence[str], counts: Sequence[int], timed: Sequence[Word]) -> tuple[Word, ...]:
    """Written word n spans the next `counts[n]` timed words. Where that is none, it has length 0 at the end of the word before."""
    out: list[Word] = []
    at, last = 0, 0.0
    for word, count in zip(words, counts, strict=True):
        forms = timed[at : at + count]
        start, end = (forms[0].start, forms[-1].end) if forms else (last, last)
        out.append(Word(text=word, start=start, end=end, score=mean_score(forms)))
        at, last = at + count, out[-1].end
    return tuple(out)
