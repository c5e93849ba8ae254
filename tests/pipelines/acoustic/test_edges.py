"""Edges at pauses follow the sound; where words touch, nothing moves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weft.pipelines.acoustic.edges import at_edges
from weft.schemas.audio import Word

RATE = 16_000


def sound(*spans: tuple[float, float], seconds: float = 2.0) -> np.ndarray:
    rng = np.random.default_rng(0)
    samples = rng.normal(0, 1e-4, round(seconds * RATE))
    for start, end in spans:
        part = samples[round(start * RATE) : round(end * RATE)]
        part += rng.normal(0, 0.2, len(part))
    return samples.astype(np.float32)


def test_an_edge_goes_half_of_the_way_to_the_sound() -> None:
    (word,) = at_edges(sound((0.5, 1.0)), [Word("a", 0.46, 1.04)])
    assert word.start == pytest.approx(0.48, abs=0.006)
    assert word.end == pytest.approx(1.02, abs=0.006)
    (word,) = at_edges(sound((0.5, 1.0)), [Word("a", 0.54, 0.96)])
    assert word.start == pytest.approx(0.52, abs=0.006)
    assert word.end == pytest.approx(0.98, abs=0.006)


def test_words_that_touch_stay() -> None:
    first, second = at_edges(sound((0.5, 1.0)), [Word("a", 0.5, 0.7), Word("b", 0.71, 1.0)])
    assert (first.end, second.start) == (0.7, 0.71)


def test_silence_moves_nothing_far_and_no_words_are_no_words() -> None:
    assert at_edges(np.zeros(RATE, np.float32), []) == []
    (word,) = at_edges(np.zeros(RATE, np.float32), [Word("a", 0.3, 0.6)])
    assert 0.2 < word.start < word.end < 0.7


@given(st.lists(st.floats(0, 2), min_size=2, max_size=12).map(sorted), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_words_stay_in_order_and_within_the_sound(times: list[float], seed: int) -> None:
    samples = np.random.default_rng(seed).normal(0, 0.1, 2 * RATE).astype(np.float32)
    words = [Word("w", a, b) for a, b in zip(times[::2], times[1::2], strict=False)]
    bounds = [bound for word in at_edges(samples, words) for bound in (word.start, word.end)]
    assert bounds == sorted(bounds)
    assert bounds[0] >= 0
    assert bounds[-1] <= 2.01
