"""F0 of tones of a known pitch, of silence and of noise."""

import numpy as np
import pytest

from weft.tokenizers.features.f0 import STEP, _f0, f0, interpolated

RATE = 16_000


def buzz(hertz: float, seconds: float = 1.0) -> np.ndarray:
    times = np.arange(round(seconds * RATE)) / RATE
    return (0.05 * sum(np.sin(2 * np.pi * hertz * k * times) / k for k in range(1, 12))).astype(np.float32)


@pytest.mark.parametrize("hertz", [80, 120, 220, 400])
def test_a_buzz_has_its_frequency(hertz: float) -> None:
    track = f0(buzz(hertz))
    assert len(track) == 200
    middle = track[40:160]
    assert (middle > 0).all() and np.abs(middle - hertz).max() < 0.02 * hertz


def test_silence_and_noise_have_none() -> None:
    assert not f0(np.zeros(RATE, np.float32)).any()
    noise = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    assert (f0(noise) > 0).mean() < 0.3


def test_unvoiced_stretches_are_interpolated() -> None:
    assert interpolated(np.array([0, 100, 0, 0, 130, 0])).tolist() == [100, 100, 110, 120, 130, 130]
    assert interpolated(np.zeros(3)).tolist() == [0, 0, 0]


@pytest.mark.parametrize("n", [0, 1, 79, 80, 500, 1279])
def test_a_value_every_whole_step(n: int) -> None:
    assert len(f0(buzz(200)[:n])) == n // 80


@pytest.mark.parametrize("seconds", [61, 120, 125.37])
def test_long_audio_in_pieces_is_as_the_whole(seconds: float) -> None:
    rng = np.random.default_rng(2)
    steps = np.repeat(rng.uniform(90, 300, 2 * int(seconds) + 2), RATE // 2)[: round(seconds * RATE)]
    turns = np.cumsum(steps) / RATE
    samples = (0.05 * sum(np.sin(2 * np.pi * k * turns) / k for k in range(1, 12))).astype(np.float32)
    pieces, whole = f0(samples), _f0(samples)
    assert len(pieces) == len(samples) // STEP
    differ = np.flatnonzero(np.abs(pieces - whole) > 1)
    assert len(differ) < 0.002 * len(whole), differ
