"""Sounds made of arithmetic: each is seconds of float samples at 16 kHz, with a peak of 1, from a seeded generator.

SOUNDS["bell"].make(default_rng(7), 1.5)   ->   float64[24000], a bell that fades
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

RATE = 16_000
Samples = NDArray[np.float64]


def _times(seconds: float) -> Samples:
    return np.arange(round(seconds * RATE)) / RATE


def _bell(random: Generator, seconds: float) -> Samples:
    """Partials that are no multiples of one another, each fading at its own rate."""
    t, base = _times(seconds), random.uniform(500, 800)
    partials = ((1.0, 2.0), (2.0, 3.0), (2.4, 4.0), (3.0, 5.0), (4.2, 7.0))
    return sum((np.sin(2 * np.pi * base * ratio * t) * np.exp(-fade * t) for ratio, fade in partials), np.zeros(len(t)))


def _drum(random: Generator, seconds: float) -> Samples:
    """Four beats a second, each a low tone that falls, and a knock."""
    t = _times(seconds)
    beat = t % 0.25
    tone = np.sin(2 * np.pi * (60 * beat + 3 * (1 - np.exp(-beat * 30)))) * np.exp(-beat * 18)
    return tone + 0.15 * random.standard_normal(len(t)) * np.exp(-beat * 150)


def _rain(random: Generator, seconds: float) -> Samples:
    """Noise without its lows, and drops upon it."""
    noise = np.diff(random.standard_normal(round(seconds * RATE) + 1))
    drops = np.where(random.random(len(noise)) < 0.002, random.uniform(2, 6, len(noise)), 0.0)
    return noise + np.convolve(drops, np.exp(-np.arange(80) / 12) * np.sin(np.arange(80) * 1.2), "same")


def _engine(random: Generator, seconds: float) -> Samples:
    """A low buzz whose speed wavers."""
    t, base = _times(seconds), random.uniform(35, 50)
    phase = 2 * np.pi * (base * t + 0.3 * np.sin(2 * np.pi * 1.5 * t))
    return sum((np.sin(n * phase) / n for n in range(1, 9)), np.zeros(len(t))) + 0.05 * random.standard_normal(len(t))


def _birdsong(random: Generator, seconds: float) -> Samples:
    """Chirps that slide between 2.5 and 5 kHz."""
    t = _times(seconds)
    chirp = t % 0.2
    low = random.uniform(2500, 3200)
    phase = 2 * np.pi * (low * chirp + 4000 * chirp**2)
    return np.sin(phase) * np.clip(np.sin(np.pi * chirp / 0.14), 0, None) * (chirp < 0.14)


def _beep(random: Generator, seconds: float) -> Samples:
    """A pure tone."""
    return np.sin(2 * np.pi * random.uniform(950, 1050) * _times(seconds))


def _music(random: Generator, seconds: float) -> Samples:
    """Notes of a major scale, three a second, each with three harmonics."""
    t = _times(seconds)
    scale = 220 * 2 ** (np.array([0, 2, 4, 5, 7, 9, 11, 12]) / 12)
    notes = random.choice(scale, size=int(seconds * 3) + 1)[(t * 3).astype(int)]
    within = (t * 3) % 1 / 3
    tones = sum((np.sin(2 * np.pi * n * notes * within) / n for n in (1, 2, 3)), np.zeros(len(t)))
    return tones * np.exp(-within * 4)


@dataclass(frozen=True, slots=True)
class SoundKind:
    """What a sound is called in a sentence, where it occurs ("": anywhere), and how it is made."""

    phrase: str
    verb: str
    where: str
    maker: Callable[[Generator, float], Samples]

    def make(self, random: Generator, seconds: float) -> Samples:
        """With its ends faded over 10 ms, so that none clicks."""
        samples = self.maker(random, seconds)
        ramp = np.minimum(1.0, np.arange(len(samples)) / (0.01 * RATE))
        return samples / np.abs(samples).max() * ramp * ramp[::-1]


SOUNDS = {
    name: SoundKind(phrase=phrase, verb=verb, where=where, maker=maker)
    for name, phrase, verb, where, maker in (
        ("bell", "a bell", "rings", "", _bell),
        ("drum", "a drum", "beats", "", _drum),
        ("rain", "rain", "falls", "outdoors, in the rain", _rain),
        ("engine", "an engine", "runs", "near a machine or a car", _engine),
        ("birdsong", "a bird", "sings", "outdoors, among birds", _birdsong),
        ("beep", "a beep", "sounds", "", _beep),
        ("music", "music", "plays", "", _music),
    )
}
