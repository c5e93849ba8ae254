"""Forced alignment: when each written word of an utterance is said.

    aligner.align(samples, ["Well,", "forty-two", "-", "is", "it?"])
    ->  Word("Well,", 0.21, 0.48, -1.1), Word("forty-two", 0.48, 1.10, -0.9), Word("-", 1.10, 1.10, 0.0), …

An aligner writes only `_align`, which times the spoken words of a clip (`well forty two is it`). What is written and not
said, what is written as one word and said as several, order and bounds are looked after here.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from transformers.models.whisper.tokenization_whisper import TO_LANGUAGE_CODE

from weft.pipelines.stage import Unusable
from weft.schemas.audio import Alignment, Utterance, Word
from weft.schemas.settings import Settings

RATE = 16_000  # samples a second that every aligner hears

_APOSTROPHES = str.maketrans({"’": "'", "ʼ": "'", "`": "'"})
_SIGNS = {"%": "percent", "&": "and", "+": "plus", "=": "equals", "@": "at"}
_COINS = {"$": "dollars", "£": "pounds", "€": "euros"}
_COIN = re.compile(r"([$£€])(\d[\d.,]*)")
_SAID = re.compile(r"\d+(?:[.,]\d+)+|[^\W_]+(?:'[^\W_]+)*|[%&+=@]")


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


class Aligner(Settings):
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
    def hears(self) -> str:
        """The language it is for, as the first part of a code such as `en`; "" when it does not mind."""
        return ""

    @property
    def needs_audio(self) -> bool:
        """Whether `align_utterance` reads its samples; where it does not, they need not be decoded."""
        return True

    def understands(self, utterance: Utterance) -> bool:
        """Whether its language is the aligner's, as far as either says."""
        return not self.hears or language_of(utterance.language) in ("", self.hears)

    def setup(self) -> None:
        """Load what is heavy. Called once per worker, before the first alignment."""

    def version(self) -> str:
        """What, besides the settings, decides where the words fall: backend and model, such as `pocketsphinx-5.1.1`."""
        raise NotImplementedError

    def align(self, samples: np.ndarray, words: Sequence[str]) -> tuple[Word, ...]:
        """The words of `timed` alone."""
        return tuple(self.timed(samples, words).words)

    def timed(self, samples: np.ndarray, words: Sequence[str], speaker: str = "") -> Timed:
        """Time written words in `samples` (float32, mono, 16 kHz, -1 to 1); one Word for each, in order, in seconds.

        Words do not overlap and lie within the audio. A token that is not said, such as a lone dash, gets no length.
        Phones come where the aligner knows them. Raises Unalignable.
        """
        forms = [spoken_forms(word) for word in words]
        spoken = [form for several in forms for form in several]
        if not spoken:
            raise Unalignable("no_words", f"nothing is said by {' '.join(words)[:80]!r}")
        found = self._align(Clip(samples, spoken, speaker))
        assert len(found.words) == len(spoken), f"{len(spoken)} spoken words came back as {len(found.words)}"
        timed = _fit(found.words, len(samples) / RATE)
        return Timed(_as_written(words, [len(several) for several in forms], timed), found.phones)

    def align_utterance(self, utterance: Utterance, samples: np.ndarray) -> Alignment:
        """Align an utterance to its own transcript. Raises Unalignable."""
        if not utterance.text or not utterance.text.strip():
            raise Unalignable("no_transcript", "the utterance has no text to align")
        if not self.understands(utterance):
            raise Unalignable(
                "language", f"it is said in {utterance.language!r}, and this aligner hears {self.hears!r}"
            )
        found = self.timed(samples, utterance.text.split(), utterance.speaker)
        return self._alignment(utterance, found.words, found.phones)

    def _alignment(self, utterance: Utterance, words: Sequence[Word], phones: Sequence[Word]) -> Alignment:
        name = type(self).__module__.rpartition(".")[2]
        # resampling can round the audio up by a sample
        fitted = [tuple(_fit(timed, utterance.seconds)) for timed in (words, phones)]
        return Alignment(
            utterance.key, utterance.seconds, f"{name} {self.version()}", fitted[0], mean_score(words), fitted[1]
        )

    def _align(self, clip: Clip) -> Timed:
        """Time spoken words: exactly one Word for each, in order, in seconds. Raises Unalignable."""
        raise NotImplementedError


def language_of(label: str) -> str:
    """The code of two letters that a label such as `en-US` or `English` stands for; "" for one that says nothing."""
    first = re.split(r"[-_ ]", label.strip().lower())[0]
    return TO_LANGUAGE_CODE.get(first, first if len(first) == 2 else "")


def mean_score(words: Sequence[Word]) -> float:
    """The mean score over the time that is speech; 0 when there is none."""
    seconds = sum(word.end - word.start for word in words)
    return sum(word.score * (word.end - word.start) for word in words) / seconds if seconds else 0.0


def spoken_forms(written: str) -> list[str]:
    """What is said for one written word: lower case, no punctuation, `$5` as `5 dollars`.

    Digits stay digits: the lexicon of the aligner reads them.
    """
    text = unicodedata.normalize("NFKC", written).translate(_APOSTROPHES).lower()
    text = _COIN.sub(lambda m: f"{m[2]} {_COINS[m[1]]} ", text)
    return [_SIGNS.get(said, said) for said in _SAID.findall(text)]


def spoken_of(text: str) -> list[str]:
    """The spoken forms of all words of a text."""
    return [said for word in text.split() for said in spoken_forms(word)]


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
