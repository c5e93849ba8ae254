"""The input and the states of the embedded HuBERT: normalised, local, and of the right rate."""

import numpy as np
import pytest
import torch

from weft.tokenizers.models.mel_hubert import BANDS, MelHubert, features_of, levelled, small_config


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, int(16_000 * seconds)).astype(np.float32)


def test_bands_are_level_whatever_the_loudness() -> None:
    shown = features_of(noise(5))
    assert shown.shape == (500, BANDS) and abs(shown.mean()) < 0.05 and 0.7 < shown.std() < 1.1
    assert np.allclose(features_of(noise(5) * 4), shown, atol=0.01)
    assert not features_of(np.zeros(16_000, np.float32)).any()


def test_what_is_far_away_is_not_attended() -> None:
    one, two = noise(6), noise(6)
    two[: 16_000 * 3] = noise(3, seed=1) * 3
    assert np.allclose(features_of(one)[460:], features_of(two)[460:], atol=1e-5)
    assert not np.allclose(features_of(one)[440:], features_of(two)[440:], atol=1e-5)


@pytest.mark.parametrize("hop", [320, 640])
def test_a_state_hears_no_further_than_its_reach(hop: int) -> None:
    torch.manual_seed(1)
    model = MelHubert(small_config(16, 2, 2, hop)).eval()
    with torch.no_grad():
        for weights in model.parameters():  # so that attention looks about
            weights.mul_(3)
    one, two = noise(12), noise(12)
    two[: 16_000 * 3] = noise(3, seed=1) * 3
    with torch.inference_mode():
        near, far = (model(torch.from_numpy(features_of(s))[None]).last_hidden_state[0].numpy() for s in (one, two))
    differ = np.abs(near - far).max(1) > 1e-4
    last = np.flatnonzero(differ)[-1] * hop / 16_000
    assert 3 + 0.8 * model.reach < last < 3 + model.reach


def test_what_is_not_there_counts_for_nothing() -> None:
    mels = torch.randn(2, 60, BANDS)
    there = torch.ones(2, 60, dtype=torch.bool)
    there[1, 40:] = False
    whole, short = levelled(mels, there), levelled(mels[1:, :40], there[1:, :40])
    assert torch.allclose(whole[1, :40], short[0], atol=1e-6) and not whole[1, 40:].any()


@pytest.mark.parametrize("hop", [320, 640])
def test_a_frame_every_hop(hop: int) -> None:
    model = MelHubert(small_config(16, 1, 2, hop)).eval()
    for n in (hop, hop + 159, 2 * hop - 1, 16_000, 23_457):
        with torch.inference_mode():
            states = model(torch.from_numpy(features_of(noise(2)[:n]))[None]).last_hidden_state
        assert states.shape == (1, n // hop, 16)


def test_saved_and_read_again(tmp_path: object) -> None:
    model = MelHubert(small_config(16, 1, 2, 640)).eval()
    model.save_pretrained(tmp_path)
    again = MelHubert.from_pretrained(tmp_path).eval()
    mels = torch.from_numpy(features_of(noise(1)))[None]
    assert torch.equal(model(mels).last_hidden_state, again(mels).last_hidden_state)
