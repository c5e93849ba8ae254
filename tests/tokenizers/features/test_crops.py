"""Crops are of one clip each, and silent beyond its end."""

import numpy as np
import torch

from weft.tokenizers.features.crops import Crops

CLIPS = [np.random.default_rng(n).normal(0, 0.1, n).astype(np.float32) for n in (9_000, 40_000, 700, 21_000)]


def test_a_crop_is_of_one_clip_and_silence_beyond_its_end() -> None:
    crops = Crops.of(CLIPS, hop=640, rows=40, length=25)
    assert crops.ends.tolist() == [14, 76, 77, 109]
    mels, places = crops.batch(np.random.default_rng(0))
    assert mels.shape == (40, 25 * 4, 80) and places.shape == (40, 25)
    seen = set()
    for row, where in zip(mels.reshape(40, 25, -1), places.numpy(), strict=True):
        there = where[where >= 0]
        clip = np.searchsorted(crops.ends, there, side="right")
        assert len(set(clip)) == 1 and (np.diff(there) == 1).all()
        assert torch.equal(row[: len(there)], crops.mels[there]) and not row[len(there) :].any()
        assert len(there) == min(25, np.diff(crops.ends, prepend=0)[clip[0]])
        seen |= set(clip.tolist())
    assert {0, 1, 3} <= seen


def test_no_crop_is_longer_than_the_longest_clip() -> None:
    assert Crops.of(CLIPS, hop=320, rows=2, length=1000).length == 40_000 // 320
