"""Forced alignment: when each written word of an utterance is said.

    aligner.align(samples, ["Well,", "forty-two", "-", "is", "it?"])
    ->  Word("Well,", 0.21, 0.48, -1.1), Word("forty-two", 0.48, 1.10, -0.9), Word("-", 1.10, 1.10, 0.0), …

An aligner writes only `_align`, which times the spoken words of a clip (`well forty two is it`). What is written and not
said, what is written as one word and said as several, order and bounds are looked after here.
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
    """An utterance that gets no alignment. `reason` is a short fixed word, `detail` says what was found.

    no_transcript, no_words, unknown_word, language, mismatch, alignment_failed, too_long; bad_timing of given words.
    """


@dataclass(frozen=True, slots=True)
class Clip:
    """What an aligner hears: samples (float32 [n], mono, 16 kHz, -1 to 1), the words said in them, and by whom ("": unknown)."""

    samples: np.ndarray
    spoken: list[str]
    speaker: str = ""


@dataclass(frozen=True, slots=True)
class Timed:
    """Words, and their phones where they are known, in order."""

    words: Sequence[Word]
    phones: Sequence[Word] = ()


class Aligner(Versioned):
    """The base of every `pipelines/aligners/NAME.py`.

    One that learns from the corpus gives `training_seconds`, `train` and `load` too.
    """

    @property
    def training_seconds(self) -> float:
        """How much audio `train` wants to hear, in seconds; 0 for an aligner that learns nothing from the corpus."""
        return 0.0

    def train(self, clips: Sequence[Clip], folder: Path, seed: int) -> None:
        """Learn from clips and write the model into `folder`; the same for the same clips and seed."""
        raise NotImplementedError

    def load(self, folder: Path) -> None:
        """Make ready with what `train` wrote, after `setup`. Raises ValueError for what does not fit."""

    @property
    def spoken_language(self) -> str:
        """The language it is for, as the first part of a code such as `en`; "" when it does not mind."""
        return ""

    @property
    def longest(self) -> float:
        """Seconds it takes at once; what is longer is aligned window after window."""
        return math.inf

    @property
    def resources(self) -> Resources:
        """What one worker holds."""
        return Resources()

    def understands(self, utterance: Utterance) -> bool:
        """Whether its language is the aligner's, as far as either says."""
        return not self.spoken_language or language_of(utterance.language) in ("", self.spoken_language)

    def setup(self) -> None:
        """Load what is heavy. Called once per worker, before the first alignment."""

    def say(self, written: str) -> list[str]:
        """The spoken words of a written one; digits stay digits where the aligner's own lexicon reads them."""
        return spoken_forms(written)

    def spoken(self, text: str) -> list[str]:
        """The spoken words of a whole text."""
        return [said for word in text.split() for said in self.say(word)]

    def version(self) -> str:
        """What, besides the settings, decides where the words fall: backend and model, such as `pocketsphinx-5.1.1`."""
        raise NotImplementedError

    def align(self, samples: np.ndarray, words: Sequence[str]) -> tuple[Word, ...]:
        """The words of `timed` alone."""
        return tuple(self.timed(samples, words).words)

    def timed(self, samples: np.ndarray, words: Sequence[str], speaker: str = "") -> Timed:
        """Time written words in `samples` (float32, mono, 16 kHz, -1 to 1); one Word for each, in order, in seconds.

        Words do not overlap and lie within the audio. A token that is not said, such as a lone dash, gets no length.
        Phones come where the aligner knows them. Raises Unusable.
        """
        asked = self._asked(samples, words, speaker)
        return asked.answered(self._align(asked.clip))

    def align_utterance(self, utterance: Utterance, samples: np.ndarray) -> Alignment:
        """Align an utterance to its own transcript. Raises Unusable."""
        (found,) = self.align_utterances([(utterance, samples)])
        if isinstance(found, Unusable):
            raise found
        return found

    def align_utterances(self, spoken: Sequence[tuple[Utterance, np.ndarray]]) -> Iterator[Alignment | Unusable]:
        """Align each utterance to its own transcript, or say why not, in order."""
        asked = [self._ask(*one) for one in spoken]
        found = iter(self._align_all([one.clip for one in asked if isinstance(one, _Asked)]))
        for (utterance, _), one in zip(spoken, asked, strict=True):
            if isinstance(one, Unusable):
                yield one
                continue
            timed = next(found)
            yield timed if isinstance(timed, Unusable) else self.alignment(utterance, one.answered(timed))

    def check(self, utterance: Utterance) -> None:
        """Raises Unalignable for an utterance without text or in another language."""
        if not utterance.text or not utterance.text.strip():
            raise Unalignable("no_transcript", "the utterance has no text to align")
        if not self.understands(utterance):
            said = f"it is said in {utterance.language!r}, and this aligner hears {self.spoken_language!r}: set its `language`"
            raise Unalignable("language", said)

    def _ask(self, utterance: Utterance, samples: np.ndarray) -> "_Asked | Unalignable":
        try:
            self.check(utterance)
            return self._asked(samples, (utterance.text or "").split(), speaker_of(utterance))
        except Unalignable as fault:
            return fault

    def _asked(self, samples: np.ndarray, words: Sequence[str], speaker: str) -> "_Asked":
        """Raises Unalignable when nothing is said."""
        forms = [self.say(word) for word in words]
        spoken = [form for several in forms for form in several]
        if not spoken:
            raise Unalignable("no_words", f"nothing is said by {' '.join(words)[:80]!r}")
        return _Asked(Clip(samples, spoken, speaker), words, [len(several) for several in forms])

    def alignment(self, utterance: Utterance, timed: Timed) -> Alignment:
        """The record of an utterance's words in time."""
        name = type(self).__module__.rpartition(".")[2]
        # resampling can round the audio up by a sample
        words, phones = (tuple(_fit(some, utterance.seconds)) for some in (timed.words, timed.phones))
        score = mean_score(timed.words)
        return Alignment(utterance.key, utterance.seconds, f"{name} {self.version()}", words, score, phones)

    @property
    def batch_seconds(self) -> float:
        """How much audio `_align_all` likes at a time; 0 for an aligner that takes a clip after another."""
        return 0.0

    def _align_all(self, clips: Sequence[Clip]) -> Iterator[Timed | Unusable]:
        """What `_align` says of each clip, in order."""
        for clip in clips:
            try:
                yield self._align(clip)
            except Unusable as fault:
                yield fault

    def _align(self, clip: Clip) -> Timed:
        """Time spoken words: exactly one Word for each, in order, in seconds. Raises Unusable."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class _Asked:
    """A clip, the words as they are written, and how many of the spoken ones each stands for."""

    clip: Clip
    words: Sequence[str]
    counts: Sequence[int]

    def answered(self, found: Timed) -> Timed:
        """The written words in time."""
        wanted = len(self.clip.spoken)
        assert len(found.words) == wanted, f"{wanted} spoken words came back as {len(found.words)}"
        words, phones = (_fit(some, len(self.clip.samples) / RATE) for some in (found.words, found.phones))
        return Timed(_as_written(self.words, self.counts, words), phones)


def speaker_of(utterance: Utterance) -> str:
    """The speaker's name in the corpus: two sources may each have an `s1`."""
    return f"{utterance.source}/{utterance.speaker}" if utterance.speaker else ""


def check_length(clip: Clip, most: float) -> None:
    """Raises Unalignable for more than so many seconds."""
    if (seconds := len(clip.samples) / RATE) > most:
        raise Unalignable("too_long", f"{seconds:.1f} s, where max_seconds is {most:g}")


def mean_score(words: Sequence[Word]) -> float:
    """The mean score over the time that is speech; 0 when there is none."""
    seconds = sum(word.end - word.start for word in words)
    return sum(word.score * (word.end - word.start) for word in words) / seconds if seconds else 0.0


def _fit(words: Sequence[Word], seconds: float) -> list[Word]:
    """The words clamped to 0 … `seconds` and each to begin no earlier than the one before it ends."""
    out: list[Word] = []
    floor = 0.0
    for word in words:
        start = min(max(word.start, floor), seconds)
        floor = min(max(word.end, start), seconds)
        out.append(replace(word, start=start, end=floor))
    return out


def _as_written(words: Sequence[str], counts: Sequence[int], timed: Sequence[Word]) -> tuple[Word, ...]:
    """Written word n takes the next `counts[n]` of the timed ones; one that takes none ends its left neighbour."""
    out: list[Word] = []
    at, last = 0, 0.0
    for word, count in zip(words, counts, strict=True):
        said = timed[at : at + count]
        out.append(Word(word, said[0].start, said[-1].end, mean_score(said)) if said else Word(word, last, last))
        at, last = at + count, out[-1].end
    return tuple(out)
