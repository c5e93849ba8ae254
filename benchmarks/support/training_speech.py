"""Speech to train tokenizers on and speech to measure them on, of other speakers, with phones.

espeak   its 13 numbered voices in 4 accents say sentences of the grammar; every third voice is measured on
real     speechocean762 and librivox clips (shared data, WEFT_DATA); every third speaker is measured on
"""

import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import soxr

from weft.benchmarks.support.labelled import others
from weft.pipelines.aligners import adapted
from weft.pipelines.aligners.base import Clip, Unalignable
from weft.pipelines.aligners.common.at_once import align_samples
from weft.pipelines.audio.sound import RATE
from weft.pipelines.voices.base import Style
from weft.pipelines.voices.espeak import Voice
from weft.pipelines.writers.grammar import sentences
from weft.schemas.audio import Word
from weft.tokenizers.stream import Speech

ACCENTS = ("gmw/en-US", "gmw/en", "gmw/en-GB-x-rp", "gmw/en-US-nyc")
VARIANTS = ("f1", "f2", "f3", "f4", "f5", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8")
HELD_OUT = VARIANTS[::3]  # nobody trains on these
SENTENCES = 1400  # an hour of the other voices


@dataclass(frozen=True)
class TrainingSpeech:
    """Speech to learn from, and utterances of others with their phones in seconds."""

    train: list[Speech]
    test: list[tuple[Speech, tuple[Word, ...]]]

    def __add__(self, other: "TrainingSpeech") -> "TrainingSpeech":
        return TrainingSpeech(self.train + other.train, self.test + other.test)


@cache
def training_speech(count: int = SENTENCES) -> TrainingSpeech:
    spoken, real = _spoken(count), _real()
    voices = {s.speaker for s in spoken if s.speaker.endswith(HELD_OUT)}
    readers = set(sorted({s.speaker for s in real})[::3])
    return _parted(spoken, voices) + _parted(real, readers)


def _parted(speech: list[Speech], held: set[str]) -> TrainingSpeech:
    """Those `held` are measured on, with the phones of an aligner that knows this kind of speech."""
    train, test = ([s for s in speech if (s.speaker in held) == out] for out in (False, True))
    labelled = [(s, p) for s, p in zip(test, _phones(test, speech), strict=True) if p]
    if len(labelled) < len(test):
        print(
            f"{len(test) - len(labelled)} of {len(test)} utterances are not measured: the aligner refuses them",
            flush=True,
        )
    return TrainingSpeech(train, labelled)


def _spoken(count: int) -> list[Speech]:
    voice, clips = Voice(), []
    voice.setup()
    for number, text in enumerate(sentences(count, 21)):
        accent, variant = ACCENTS[number % len(ACCENTS)], VARIANTS[number // len(ACCENTS) % len(VARIANTS)]
        spoken = voice.speak(text, Style(accent, variant))
        clips.append(
            Speech(soxr.resample(spoken.samples, spoken.rate, RATE).astype(np.float32), text, f"{accent} {variant}")
        )
    return clips


def _real() -> list[Speech]:
    return [Speech(c.samples, " ".join(c.words), c.speaker) for c in others()]


def _phones(speech: list[Speech], learnt: list[Speech]) -> list[tuple[Word, ...]]:
    """By the default aligner, trained on all speech; none for a clip that it refuses."""
    aligner = adapted.Aligner()
    aligner.setup()
    with tempfile.TemporaryDirectory() as folder:
        aligner.train([Clip(s.samples, aligner.spoken_words(s.text), s.speaker) for s in learnt], Path(folder), 1)
        aligner.load(Path(folder))
    phones: list[tuple[Word, ...]] = []
    for one in speech:
        try:
            phones.append(tuple(align_samples(aligner, one.samples, one.text.split(), one.speaker).phones))
        except Unalignable:
            phones.append(())
    return phones
