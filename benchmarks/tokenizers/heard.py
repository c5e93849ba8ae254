"""Speech to train tokenizers on and speech to measure them on, of other speakers, with phones.

espeak   32 voices say sentences of the grammar; 8 of the voices are measured on
real     speechocean762 and librivox clips (shared data, WEFT_DATA); every third speaker is measured on
"""

import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import soxr

from weft.benchmarks.alignment.labelled import others
from weft.pipelines.aligners import adapted
from weft.pipelines.aligners.base import Clip, Unalignable
from weft.pipelines.scripts.grammar import sentences
from weft.pipelines.sound import RATE
from weft.pipelines.voices.base import Style
from weft.pipelines.voices.espeak import Voice
from weft.schemas.audio import Word
from weft.tokenizers.stream import Speech

ACCENTS = ("gmw/en-US", "gmw/en", "gmw/en-GB-x-rp", "gmw/en-US-nyc")
VARIANTS = ("f2", "f3", "f4", "f5", "m1", "m3", "edward", "caleb")
SENTENCES = 960
HELD_OUT = ("f3", "caleb")  # variants nobody trains on


@dataclass(frozen=True)
class Heard:
    """Speech to learn from, and utterances of others with their phones in seconds."""

    train: list[Speech]
    test: list[tuple[Speech, tuple[Word, ...]]]

    @property
    def seconds(self) -> tuple[float, float]:
        return tuple(sum(len(s.samples) for s in some) / RATE for some in (self.train, [s for s, _ in self.test]))  # type: ignore[return-value]


@cache
def heard(count: int = SENTENCES) -> Heard:
    every = [*_spoken(count), *_real()]
    speakers = sorted({s.speaker for s in every if not s.speaker.startswith("gmw")})
    held = set(speakers[::3])
    apart = [s.speaker in held or s.speaker.endswith(HELD_OUT) for s in every]
    phones = _phones(every)
    train = [s for s, out in zip(every, apart, strict=True) if not out]
    return Heard(train, [(s, p) for s, p, out in zip(every, phones, apart, strict=True) if out and p])


def _spoken(count: int) -> list[Speech]:
    voice, made = Voice(), []
    voice.setup()
    for number, text in enumerate(sentences(count, 21)):
        accent, variant = ACCENTS[number % len(ACCENTS)], VARIANTS[number // len(ACCENTS) % len(VARIANTS)]
        said = voice.speak(text, Style(accent, variant))
        made.append(
            Speech(soxr.resample(said.samples, said.rate, RATE).astype(np.float32), text, f"{accent} {variant}")
        )
    return made


def _real() -> list[Speech]:
    return [Speech(c.samples, " ".join(c.words), c.speaker) for c in others()]


def _phones(speech: list[Speech]) -> list[tuple[Word, ...]]:
    """By the default aligner, having learned from all of it; none for what it refuses."""
    aligner = adapted.Aligner()
    aligner.setup()
    with tempfile.TemporaryDirectory() as folder:
        aligner.train([Clip(s.samples, aligner.spoken(s.text), s.speaker) for s in speech], Path(folder), 1)
        aligner.load(Path(folder))
    found = []
    for one in speech:
        try:
            found.append(tuple(aligner.timed(one.samples, one.text.split(), one.speaker).phones))
        except Unalignable:
            found.append(())
    return found
