"""Augmentation: formants move together, shifts are smooth, noise fills what is quieter than it."""

import numpy as np
import pytest
import torch

from weft.tokenizers.features.augmentation import Augmentation, bend, moved, noisy, warp
from weft.tokenizers.models.mel_hubert import BANDS, levelled

THERE = torch.ones(3, 50, dtype=torch.bool)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def mels() -> torch.Tensor:
    """The same clip three times."""
    return torch.randn(1, 50, BANDS, generator=torch.Generator().manual_seed(0)).expand(3, -1, -1)


def test_a_shorter_tract_moves_every_formant_up() -> None:
    shown = torch.zeros(3, 7, BANDS)
    shown[:, :, 40] = 1.0
    same, up, down = moved(shown, np.clip(warp(np.array([1.0, 1.2, 1 / 1.2])), 0, BANDS - 1))
    assert torch.allclose(same, shown[0])
    hertz = 700 * (10 ** (np.linspace(*(2595 * np.log10(1 + np.array([20, 7600]) / 700)), BANDS + 2)[1:-1] / 2595) - 1)
    for row, factor in ((up, 1.2), (down, 1 / 1.2)):
        assert hertz[row[0].argmax()] == pytest.approx(factor * hertz[40], rel=0.03)


def test_a_bend_is_smooth_and_leaves_both_ends() -> None:
    bends = bend(generator(), 400, 2.0)
    assert bends.shape == (400, BANDS) and np.allclose(bends[:, [0, -1]], 0)
    assert np.abs(np.diff(bends, axis=1)).max() < 1
    assert 1.0 < bends[:, BANDS // 2].std() < 3.0


def test_noise_is_added_to_a_share_of_the_rows() -> None:
    loud = mels() * 5
    augmented = noisy(loud.repeat(200, 1, 1), THERE.repeat(200, 1), 0.5, generator())
    changed = (augmented != loud.repeat(200, 1, 1)).flatten(1).any(1)
    assert 0.4 < changed.float().mean() < 0.6
    assert (augmented >= loud.repeat(200, 1, 1) - 1e-5).all()
    quiet, prominent = loud[0] < loud.quantile(0.1), loud[0] > loud.quantile(0.95)
    risen = augmented[changed] - loud[0]
    assert risen[:, quiet].mean() > 5 * risen[:, prominent].mean()


def test_each_row_is_augmented_differently_and_repeatably() -> None:
    augmentation = Augmentation(warp=0.2, bend=1.5, noise=0.5)
    one, two, three = augmentation.apply(mels(), THERE, generator())
    assert not torch.allclose(one, two) and not torch.allclose(two, three)
    assert torch.equal(augmentation.apply(mels(), THERE, generator())[0], one)


def test_without_augmentation_the_clip_is_unchanged() -> None:
    plain = Augmentation(warp=0.0, bend=0.0, noise=0.0).apply(mels(), THERE, generator())
    assert torch.allclose(plain, levelled(mels(), THERE), atol=1e-5)


def test_padding_stays_silent() -> None:
    there = torch.ones(3, 10, dtype=torch.bool)  # of frames of five steps
    there[1, 6:] = False
    augmented = Augmentation(warp=0.2, bend=1.5, noise=1.0).apply(mels(), there, generator())
    assert not augmented[1, 30:].any() and augmented[1, :30].any() and torch.isfinite(augmented).all()
