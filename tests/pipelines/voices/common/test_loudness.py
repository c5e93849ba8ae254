"""Speech is as loud as its style asks for, whatever the voice made of it, and never cut off."""

import numpy as np
import pytest

from weft.pipelines.voices.common.loudness import PEAK, levelled


def tone(amplitude: float) -> np.ndarray:
    """A second with silence in its first half."""
    wave = amplitude * np.sin(np.arange(16_000) / 10)
    wave[:8000] = 0
    return wave.astype(np.float32)


@pytest.mark.parametrize("amplitude", [0.001, 0.1, 0.9])
@pytest.mark.parametrize(("loudness", "volume"), [(-27.0, 0.5), (-27.0, 1.0), (-27.0, 1.7), (-33.0, 1.0)])
def test_the_words_alone_decide_the_level(amplitude: float, loudness: float, volume: float) -> None:
    made = levelled(tone(amplitude), [(8000, 12_000), (12_000, 16_000)], loudness, volume)
    assert 20 * np.log10(np.sqrt(np.mean(made[8000:] ** 2)) / volume) == pytest.approx(loudness, abs=0.01)
    assert not made[:8000].any()


def test_a_high_peak_makes_it_quieter_and_is_not_cut_off() -> None:
    clicks = tone(0.01)
    clicks[9000] = 0.9
    made = levelled(clicks, [(8000, 16_000)], -27.0, 1.7)
    assert np.abs(made).max() == pytest.approx(PEAK)
    assert np.allclose(made / made[9000], clicks / clicks[9000], atol=1e-6)


def test_silence_stays_silent() -> None:
    assert not levelled(np.zeros(100, np.float32), [(0, 100)], -27.0, 1.0).any()
