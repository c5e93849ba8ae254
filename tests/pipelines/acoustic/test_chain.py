"""Edges against every place where they may be."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weft.pipelines.acoustic.chain import crossings
from weft.pipelines.acoustic.network import STAY


@given(st.integers(0, 2**32 - 1), st.integers(2, 4), st.integers(4, 9))
@settings(max_examples=50, deadline=None)
def test_a_state_begins_at_the_median_of_its_beginnings(seed: int, states: int, frames: int) -> None:
    scores = np.random.default_rng(seed).normal(0, 1, (frames, states))
    weights = np.zeros((states, frames))
    for cuts in combinations(range(1, frames), states - 1):
        bounds = (0, *cuts, frames)
        spans = enumerate(pairwise(bounds))
        weight = np.exp(sum(scores[a:b, s].sum() for s, (a, b) in spans) + (frames - states) * STAY)
        for state, cut in enumerate(cuts, 1):
            weights[state, cut] += weight
    found = crossings(scores)
    assert found[0] == -0.5
    assert (np.diff(found) >= 0).all()
    for state in range(1, states):
        begun = np.cumsum(weights[state]) / weights[state].sum()
        assert np.interp(found[state], np.arange(frames), begun) == pytest.approx(0.5, abs=1e-6)
