"""Two hearings that teach each other: codes of like use, and less to learn where hearings agree."""

import numpy as np
import torch

from weft.tokenizers.models.mel_hubert import BANDS, MelHubert, small_config
from weft.tokenizers.training.swapped_prediction import SwappedPrediction, even


def test_codes_are_used_about_alike_and_the_nearest_most() -> None:
    nearness = torch.rand(600, 6, generator=torch.Generator().manual_seed(0))
    nearness[:, 0] += 0.1  # what most frames are nearest to
    shares = even(nearness)
    assert torch.allclose(shares.sum(1), torch.ones(600))
    assert shares.sum(0).max() < 1.2 * shares.sum(0).min()
    assert torch.softmax(nearness / 0.05, -1).sum(0).max() > 1.5 * 100
    clear = nearness.max(1).values - nearness.sort(1).values[:, -2] > 0.3
    assert (shares.argmax(1) == nearness.argmax(1))[clear].all()


def test_hearings_that_agree_leave_less_to_learn() -> None:
    torch.manual_seed(0)
    model = MelHubert(small_config(16, 1, 2, 640))
    states = np.random.default_rng(0).normal(0, 1, (200, 16)).astype(np.float32)
    swapped_prediction = SwappedPrediction.of(model, states, 8, seed=1)
    assert torch.allclose(swapped_prediction.prototypes, SwappedPrediction.of(model, states, 8, seed=1).prototypes)
    one, two = torch.randn(2, 100, BANDS), torch.randn(2, 100, BANDS)
    there = torch.ones(2, 25, dtype=torch.bool)
    assert swapped_prediction.loss(one, one, there) < swapped_prediction.loss(one, two, there)
    swapped_prediction.loss(one, two, there).backward()
    assert all(p.grad is not None for n, p in swapped_prediction.named_parameters() if not n.startswith("model."))
    assert model.feature_extractor.near.weight.grad is not None
