"""Differences between speakers and between neighbouring frames count for less, and a codebook is repeatable."""

import numpy as np
import pytest

from weft.tokenizers.models import kmeans
from weft.tokenizers.models.quantizer import NearestByMetric
from weft.tokenizers.training import speaker_invariance

SOUNDS, SPEAKERS, LASTS = 4, 5, 6  # frames a sound lasts
RNG = np.random.default_rng(3)
SOUND_FEATURES = np.array([[n == 0, n == 1, n == 2, n == 3] for n in range(SOUNDS)], np.float32)
VOICES = RNG.standard_normal((SPEAKERS, 2)).astype(np.float32)


def clip(speaker: int, sounds: np.ndarray) -> np.ndarray:
    """Features of sounds, of their speaker, and of noise that changes each frame, [frames, 7]."""
    sound = np.repeat(sounds, LASTS)
    chance = 4 * RNG.standard_normal((len(sound), 1))
    shown = [SOUND_FEATURES[sound], np.repeat(VOICES[[speaker]], len(sound), 0), chance]
    return (np.hstack(shown) + 0.05 * RNG.standard_normal((len(sound), 7))).astype(np.float32)


SPOKEN = [(speaker, RNG.integers(0, SOUNDS, 40)) for speaker in range(SPEAKERS) for _ in range(2)]
CLIPS = [clip(*one) for one in SPOKEN]
NAMES = [str(speaker) for speaker, _ in SPOKEN]
WANTED = np.concatenate([np.repeat(sounds, LASTS) for _, sounds in SPOKEN])


def agreement(codes: np.ndarray) -> float:
    """The share of frames whose sound is the commonest of their code."""
    return sum(np.bincount(WANTED[codes == code]).max() for code in np.unique(codes)) / len(codes)


def codes(book: NearestByMetric) -> np.ndarray:
    return book.codes(np.concatenate(CLIPS))


@pytest.mark.parametrize("names", [NAMES, [""] * len(NAMES)])
def test_codes_are_of_what_is_said(names: list[str]) -> None:
    every = np.concatenate(CLIPS)
    plain = agreement(kmeans.assign(every, kmeans.fit(every, 8, 1)))
    assert plain < 0.5 < 0.85 < agreement(codes(speaker_invariance.fit(CLIPS, names, 8, 1)))


def test_the_same_twice() -> None:
    one, two = (speaker_invariance.fit(CLIPS, NAMES, 8, 1) for _ in range(2))
    assert np.array_equal(one.centroids, two.centroids) and np.array_equal(one.metric, two.metric)


def test_one_speaker_and_frames_that_stay() -> None:
    """Nothing differs between speakers, and from frame to frame neither: plain k-means is left."""
    still = [np.repeat(CLIPS[0][[n]], 3, 0) for n in range(0, len(CLIPS[0]), LASTS)]
    book = speaker_invariance.fit(still, ["anna"] * len(still), 8, 1)
    assert np.allclose(book.metric, np.eye(7) / speaker_invariance._FLOOR)


def test_too_little() -> None:
    with pytest.raises(ValueError, match="too few for 500 clusters"):
        speaker_invariance.fit(CLIPS[:1], NAMES[:1], 500, 1)
