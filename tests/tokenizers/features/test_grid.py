"""The frame grid against real convolutions."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from weft.tokenizers.features.grid import Grid
from weft.tokenizers.features.mfcc import mfcc
from weft.tokenizers.models.kmeans import assign, fit

HUBERT = ([10, 3, 3, 3, 3, 2, 2], [5, 2, 2, 2, 2, 2, 2])  # HuBERT base


def test_hubert_base_is_50_hz() -> None:
    assert Grid.of(*HUBERT) == Grid(hop=320, window=400)


@settings(max_examples=30, deadline=None)
@given(st.integers(320, 20_000))
def test_frames_are_what_the_convolutions_give(n_samples: int) -> None:
    grid, x = Grid.of(*HUBERT), np.zeros(n_samples, np.float32)
    out = torch.from_numpy(grid.pad(x))[None, None]
    for kernel, stride in zip(*HUBERT, strict=True):
        out = torch.nn.functional.conv1d(out, torch.ones(1, 1, kernel), stride=stride)
    assert out.shape[-1] == grid.frames(n_samples) == n_samples // 320


def test_frames_are_centred() -> None:
    grid = Grid(hop=320, window=400)
    click = np.zeros(3200, np.float32)
    click[5 * 320 + 160] = 1  # the middle of frame 5
    out = torch.nn.functional.conv1d(
        torch.from_numpy(grid.pad(click))[None, None], torch.hann_window(400)[None, None], None, 320
    )
    assert out[0, 0].argmax() == 5


def test_convolutions_that_skip_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="skip"):
        Grid.of([2], [4])


@pytest.mark.parametrize("hop", [320, 640])
def test_mfcc_has_a_row_a_frame(hop: int) -> None:
    for n in (hop, hop + 1, 16_000, 16_639):
        assert mfcc(np.random.default_rng(n).standard_normal(n).astype(np.float32), hop).shape == (n // hop, 39)


def test_mfcc_takes_the_place_of_a_sound() -> None:
    samples = np.random.default_rng(1).standard_normal(16_000).astype(np.float32) * 1e-3
    samples[20 * 320 : 21 * 320] *= 1000
    assert mfcc(samples, 320)[:, 0].argmax() == 20


def test_kmeans_finds_clusters_and_repeats_itself() -> None:
    rng = np.random.default_rng(0)
    features = (rng.integers(0, 4, 400)[:, None] * 10 + rng.standard_normal((400, 3))).astype(np.float32)
    centroids = fit(features, 4, seed=3)
    assert np.array_equal(centroids, fit(features, 4, seed=3))
    nearest = ((features[:, None] - centroids[None]) ** 2).sum(-1).argmin(1)
    assert np.array_equal(assign(features, centroids), nearest)
    assert len(set(nearest)) == 4


def test_kmeans_refuses_too_little_and_the_wrong_width() -> None:
    with pytest.raises(ValueError, match="too few"):
        fit(np.zeros((5, 3), np.float32), 4, seed=0)
    with pytest.raises(ValueError, match="wide"):
        assign(np.zeros((5, 3), np.float32), np.zeros((2, 4), np.float32))
