"""Centroids are where Lloyd's steps end, and the nearest is the nearest."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.tokenizers.models import kmeans

RNG = np.random.default_rng(5)
FEATURES = (RNG.standard_normal((20, 8))[RNG.integers(0, 20, 3000)] + 0.3 * RNG.standard_normal((3000, 8))).astype(
    np.float32
)


def test_centroids_are_the_means_of_what_is_nearest() -> None:
    centroids = kmeans.fit(FEATURES, 12, 1)
    codes = kmeans.assign(FEATURES, centroids)
    means = np.stack([FEATURES[codes == code].mean(0) for code in range(12)])
    assert np.abs(means - centroids).max() < 1e-3


def test_the_same_twice() -> None:
    assert np.array_equal(kmeans.fit(FEATURES, 12, 1), kmeans.fit(FEATURES, 12, 1))


@given(st.integers(1, 40), st.integers(1, 30), st.integers(1, 9), st.integers(0, 9))
def test_the_nearest(frames: int, size: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    features, centroids = (rng.standard_normal((n, width)).astype(np.float32) for n in (frames, size))
    apart = ((features[:, None] - centroids) ** 2).sum(-1)
    distances = apart[np.arange(frames), kmeans.assign(features, centroids)]
    assert np.allclose(distances, apart.min(1), rtol=1e-4, atol=1e-5)


def test_too_few() -> None:
    with pytest.raises(ValueError, match="23 frames are too few for 12 clusters"):
        kmeans.fit(FEATURES[:23], 12, 1)


def test_another_width() -> None:
    with pytest.raises(ValueError, match="8 wide, the codebook's centroids 7"):
        kmeans.assign(FEATURES, FEATURES[:3, :7])
