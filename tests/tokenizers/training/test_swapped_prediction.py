"""Swapped prediction: prototypes in balanced use, and a smaller loss where the two versions of a clip agree."""

import numpy as np
import torch

from weft.tokenizers.models.mel_hubert import BANDS, MelHubert, small_config
from weft.tokenizers.training.swapped_prediction import SwappedPrediction, balanced


def test_prototypes_are_used_equally_often_and_the_nearest_most() -> None:
    similarities = torch.rand(600, 6, generator=torch.Generator().manual_seed(0))
    similarities[:, 0] += 0.1  # the nearest of most frames
    shares = balanced(similarities)
    assert torch.allclose(shares.sum(1), torch.ones(600))
    assert shares.sum(0).max() < 1.2 * shares.sum(0).min()
    assert torch.softmax(similarities / 0.05, -1).sum(0).max() > 1.5 * 100
    clear = similarities.max(1).values - similarities.sort(1).values[:, -2] > 0.3
    assert (shares.argmax(1) == similarities.argmax(1))[clear].all()


def test_versions_that_agree_have_the_smaller_loss() -> None:
    torch.manual_seed(0)
    model = MelHubert(small_config(16, 1, 2, 640))
    states = np.random.default_rng(0).normal(0, 1, (200, 16)).astype(np.float32)
    swapped_prediction = SwappedPrediction.of(model, states, 8, seed=1)
    assert torch.allclose(swapped_prediction.prototypes, SwappedPrediction.of(model, states, 8, seed=1).prototypes)
    one, two = torch.randn(2, 100, BANDS), torch.randn(2, 100, BANDS)
    inside = torch.ones(2, 25, dtype=torch.bool)
    assert swapped_prediction.loss(one, one, inside) < swapped_prediction.loss(one, two, inside)
    swapped_prediction.loss(one, two, inside).backward()
    assert all(p.grad is not None for n, p in swapped_prediction.named_parameters() if not n.startswith("model."))
    assert model.feature_extractor.near.weight.grad is not None
