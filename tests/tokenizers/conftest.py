"""Buzzing speakers: what tokenizers can be trained on in a second."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from weft.tokenizers.stream import Speech

RATE = 16_000
SPEAKERS = {"low": 110.0, "high": 230.0}
EMOTIONS = {"calm": 0.02, "wild": 0.25}  # how far the pitch sways


@pytest.fixture(scope="session")
def buzzes() -> list[Speech]:
    """Twelve clips of 1.5 to 4 s: two speakers, two emotions, texts of which each letter is a colour of its sound."""
    rng = np.random.default_rng(7)
    return [_buzz(rng, *who, *how) for _ in range(3) for who in SPEAKERS.items() for how in EMOTIONS.items()]


def _buzz(rng: np.random.Generator, speaker: str, hertz: float, emotion: str, sway: float) -> Speech:
    letters = rng.choice(list("abc"), rng.integers(5, 12))
    lengths = rng.integers(3000, 6000, len(letters))
    n = int(lengths.sum())
    pitch = hertz * (1 + sway * np.sin(2 * np.pi * rng.uniform(0.5, 2) * np.arange(n) / RATE))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    formants = {"a": 500, "b": 1300, "c": 2800}  # Hz, where each letter is loudest
    strengths = {
        letter: [0.2 + 2 * np.exp(-(((k * hertz - f) / 300) ** 2)) for k in range(1, 16)]
        for letter, f in formants.items()
    }
    harmonics = np.sin(np.arange(1, 16)[:, None] * phase)
    which = np.repeat(letters, lengths)
    samples = 0.03 * sum(np.where(which == c, np.array(s) @ harmonics, 0) for c, s in strengths.items()) + rng.normal(
        0, 0.002, n
    )
    return Speech(samples.astype(np.float32), text="".join(letters), speaker=speaker, emotion=emotion)


@pytest.fixture(scope="package", autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
