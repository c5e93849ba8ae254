"""The likeliest path against every path there is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weft.pipelines.acoustic import network as networks
from weft.pipelines.acoustic.network import PAUSE, STATES, PronunciationNetwork, likeliest

PHONES = 3


def scores_of(seed: int, frames: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 3, (frames, STATES * PHONES))


def every_path(network: PronunciationNetwork, frames: int) -> list[tuple[tuple[int, ...], float]]:
    """All paths with the log of their transitions, by walking forward."""
    paths = [((s,), float(network.start[s])) for s in np.flatnonzero(network.start > -1e29)]
    for _ in range(frames - 1):
        steps = []
        for path, log in paths:
            for state, (befores, logs) in enumerate(zip(network.before, network.log, strict=True)):
                steps += [((*path, state), log + p) for b, p in zip(befores, logs, strict=True) if b == path[-1]]
        paths = steps
    return [(path, log) for path, log in paths if network.final[path[-1]] > -1e29]


@given(st.integers(0, 2**32 - 1), st.integers(3, 11))
@settings(max_examples=30, deadline=None)
def test_the_likeliest_path_is_the_best_of_all(seed: int, frames: int) -> None:
    network = PronunciationNetwork.of([[(1,), (2,)], [(2,)]])
    scores = scores_of(seed, frames)
    worth = {
        path: log + sum(scores[t, network.emits[s]] for t, s in enumerate(path))
        for path, log in every_path(network, frames)
    }
    if not worth:
        with pytest.raises(ValueError, match="fewer than the words need"):
            likeliest(network, scores)
        return
    found = tuple(likeliest(network, scores).tolist())
    assert worth[found] == pytest.approx(max(worth.values()))


def test_a_beam_finds_the_same_path_in_long_audio(monkeypatch: pytest.MonkeyPatch) -> None:
    words = [[(1, 2)], [(2,), (1, 1)]] * 40
    network, scores = PronunciationNetwork.of(words), scores_of(1, 900)
    whole = likeliest(network, scores)
    monkeypatch.setattr(networks, "_SMALL", 0)
    monkeypatch.setattr(networks, "_BEAM", 200.0)
    assert np.array_equal(likeliest(network, scores), whole)


def test_a_path_says_each_word_once_one_way_and_in_order() -> None:
    network = PronunciationNetwork.of([[(1,), (2, 2)], [(1, 2)], [(2,)]])
    path = likeliest(network, scores_of(5, 60))
    entered = path[np.flatnonzero(np.diff(path, prepend=-1))]
    entered_phones = [
        (w, e // STATES) for w, e in zip(network.words[entered], network.emits[entered], strict=True) if w >= 0
    ]
    assert [w for w, _ in entered_phones] == sorted(w for w, _ in entered_phones)
    spoken = {word: tuple(p for w, p in entered_phones[::STATES] if w == word) for word in range(3)}
    assert spoken[0] in {(1,), (2, 2)}
    assert (spoken[1], spoken[2]) == ((1, 2), (2,))
    assert {e // STATES for w, e in zip(network.words, network.emits, strict=True) if w < 0} == {PAUSE}
