"""What the embedded HuBERT hears: level, local, and warped as another vocal tract would have it."""

import numpy as np
import pytest
import torch

from weft.tokenizers.mel_hubert import BANDS, MelHubert, heard, small_config, warped


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, int(16_000 * seconds)).astype(np.float32)


def test_bands_are_level_whatever_the_loudness() -> None:
    shown = heard(noise(5))
    assert shown.shape == (500, BANDS) and abs(shown.mean()) < 0.05 and 0.7 < shown.std() < 1.1
    assert np.allclose(heard(noise(5) * 4), shown, atol=0.01)
    assert not heard(np.zeros(16_000, np.float32)).any()


def test_what_is_far_away_is_not_heard() -> None:
    one, two = noise(6), noise(6)
    two[: 16_000 * 3] = noise(3, seed=1) * 3
    assert np.allclose(heard(one)[460:], heard(two)[460:], atol=1e-5)
    assert not np.allclose(heard(one)[440:], heard(two)[440:], atol=1e-5)


def test_a_shorter_tract_moves_every_formant_up() -> None:
    mels = torch.zeros(3, 7, BANDS)
    mels[:, :, 40] = 1.0
    same, up, down = warped(mels, np.array([1.0, 1.2, 1 / 1.2]))
    assert torch.allclose(same, mels[0])
    hertz = 700 * (10 ** (np.linspace(*(2595 * np.log10(1 + np.array([20, 7600]) / 700)), BANDS + 2)[1:-1] / 2595) - 1)
    for moved, factor in ((up, 1.2), (down, 1 / 1.2)):
        assert hertz[moved[0].argmax()] == pytest.approx(factor * hertz[40], rel=0.03)


@pytest.mark.parametrize("hop", [320, 640])
def test_a_frame_every_hop(hop: int) -> None:
    model = MelHubert(small_config(16, 1, 2, hop)).eval()
    for n in (hop, hop + 159, 2 * hop - 1, 16_000, 23_457):
        with torch.inference_mode():
            found = model(torch.from_numpy(heard(noise(2)[:n]))[None]).last_hidden_state
        assert found.shape == (1, n // hop, 16)


def test_saved_and_read_again(tmp_path: object) -> None:
    model = MelHubert(small_config(16, 1, 2, 640)).eval()
    model.save_pretrained(tmp_path)
    again = MelHubert.from_pretrained(tmp_path).eval()
    mels = torch.from_numpy(heard(noise(1)))[None]
    assert torch.equal(model(mels).last_hidden_state, again(mels).last_hidden_state)
