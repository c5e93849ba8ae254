"""Levels: loudness and channel fall away, and short utterances lean on their speaker."""

import numpy as np

from weft.pipelines.acoustic.features import Moments, levelled


def test_moments_together_are_those_of_all_frames() -> None:
    frames = np.random.default_rng(0).normal(3, 2, (90, 13))
    together = Moments.together([Moments.of(frames[:20]), Moments.of(frames[20:])])
    assert np.allclose(together.mean, frames.mean(0))
    assert np.allclose(together.square, (frames**2).mean(0))
    assert together.frames == 90


def test_a_long_utterance_is_its_own_level_and_a_short_one_its_speakers() -> None:
    rng = np.random.default_rng(1)
    speaker = Moments.of(rng.normal(0, 1, (1000, 13)))
    long = levelled(rng.normal(5, 3, (20000, 13)), speaker)
    assert np.allclose(long[:, :13].mean(0), 0, atol=0.05)
    assert np.allclose(long[:, :13].std(0), 1, atol=0.1)
    assert long.shape == (20000, 39)
    short = levelled(np.full((3, 13), 5.0), speaker)
    assert (short[:, :13] > 3).all()
