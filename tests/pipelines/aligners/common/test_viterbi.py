"""The best path is the best of all paths, and it says each token once, in order."""

from collections.abc import Iterator
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.pipelines.aligners.common import viterbi
from weft.pipelines.aligners.common.viterbi import TokenPath, best_path


@pytest.fixture(autouse=True, scope="module", params=[0, viterbi._SMALL], ids=["stretches", "at once"])
def _small(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test with a table that is noted at once, and stretch by stretch."""
    patch = pytest.MonkeyPatch()
    patch.setattr(viterbi, "_SMALL", request.param)
    yield
    patch.undo()


def scores_of(frames: int, classes: int, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal((frames, classes)) * 3
    return noise - np.log(np.exp(noise).sum(1, keepdims=True))


def collapsed(path: tuple[int, ...]) -> list[int]:
    kept = [c for c, before in zip(path, (-1, *path[:-1]), strict=True) if c != before]
    return [c for c in kept if c != 0]


def best_by_hand(log_probs: np.ndarray, tokens: list[int]) -> float:
    """The best of every path there is."""
    frames, classes = log_probs.shape
    paths = (p for p in product(range(classes), repeat=frames) if collapsed(p) == tokens)
    return max((float(log_probs[range(frames), p].sum()) for p in paths), default=-np.inf)


def score_along(log_probs: np.ndarray, tokens: list[int], path: TokenPath) -> float:
    """What the path's own spans sum to."""
    classes = np.zeros(len(log_probs), int)
    for token, start, end in zip(tokens, path.starts, path.ends, strict=True):
        classes[start:end] = token
    assert collapsed(tuple(classes.tolist())) == tokens
    return float(log_probs[np.arange(len(log_probs)), classes].sum())


@given(frames=st.integers(1, 7), tokens=st.lists(st.integers(1, 2), min_size=1, max_size=4), seed=st.integers(0, 10**6))
def test_it_is_the_best_of_all_paths(frames: int, tokens: list[int], seed: int) -> None:
    log_probs = scores_of(frames, 3, seed)
    wanted = best_by_hand(log_probs, tokens)
    if wanted == -np.inf:
        with pytest.raises(ValueError, match="frames"):
            best_path(log_probs, np.array(tokens))
        return
    assert best_path(log_probs, np.array(tokens)).score == pytest.approx(wanted, abs=1e-9)


@given(frames=st.integers(1, 400), tokens=st.lists(st.integers(1, 4), min_size=1, max_size=60), seed=st.integers(0, 99))
def test_spans_say_each_token_once_and_sum_to_the_score(frames: int, tokens: list[int], seed: int) -> None:
    repeats = sum(a == b for a, b in pairwise(tokens))
    log_probs = scores_of(max(frames, len(tokens) + repeats), 5, seed)
    path = best_path(log_probs, np.array(tokens))
    assert (path.starts < path.ends).all() and (path.ends[:-1] <= path.starts[1:]).all()
    assert score_along(log_probs, tokens, path) == pytest.approx(path.score, abs=1e-8)


def test_the_blank_may_be_any_class() -> None:
    log_probs = scores_of(40, 5, 1)
    moved = np.roll(log_probs, -1, axis=1)  # class 0 becomes class 4
    tokens = np.array([2, 2, 1, 4])
    one, other = best_path(log_probs, tokens, blank=0), best_path(moved, tokens - 1, blank=4)
    assert one.score == other.score and (one.starts == other.starts).all() and (one.ends == other.ends).all()


def test_single_precision_scores_are_summed_in_double() -> None:
    log_probs = scores_of(3000, 30, 2).astype(np.float32)
    tokens = np.random.default_rng(3).integers(1, 30, 700)
    assert best_path(log_probs, tokens).score == pytest.approx(
        best_path(log_probs.astype(float), tokens).score, abs=1e-9
    )


@pytest.mark.parametrize(
    ("tokens", "message"),
    [([], "no tokens"), ([5], "classes below 5"), ([-1], "classes"), ([0], "blank"), ([1] * 6, "11")],
)
def test_what_cannot_be_aligned_is_refused(tokens: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        best_path(scores_of(10, 5, 1), np.array(tokens, int))
