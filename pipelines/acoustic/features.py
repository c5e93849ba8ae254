"""The acoustic model's features: 13 mel cepstra every 10 ms with their slopes, normalised to one level.

    levelled(cepstra(samples), prior)  ->  float64 [frames, 39]; frame t is t * HOP to (t + 1) * HOP seconds

An utterance is normalised to mean 0 and variance 1. A short one has too few frames to estimate these, so `_BORROWED` frames with
its speaker's moments are added to the estimate.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from weft.tokenizers.features.mfcc import STEP, with_slopes

HOP = STEP / 16_000  # seconds
_BORROWED = 150  # frames; models that are saved were trained with it


@dataclass(frozen=True)
class Moments:
    """Mean and mean square of cepstra [13], and the number of frames."""

    mean: np.ndarray
    square: np.ndarray
    frames: float

    @classmethod
    def of(cls, cepstra: np.ndarray) -> "Moments":
        return cls(cepstra.mean(0), (cepstra**2).mean(0), len(cepstra))

    @classmethod
    def together(cls, parts: Sequence["Moments"]) -> "Moments":
        """The moments over the frames of all."""
        frames = sum(m.frames for m in parts)
        mean = sum(m.frames * m.mean for m in parts) / frames
        return cls(np.asarray(mean), np.asarray(sum(m.frames * m.square for m in parts) / frames), frames)


def levelled(cepstra: np.ndarray, speaker: Moments) -> np.ndarray:
    """Cepstra [frames, 13] at the utterance's level and its speaker's, with slopes: float64 [frames, 39]."""
    level = Moments.together([Moments.of(cepstra), Moments(speaker.mean, speaker.square, _BORROWED)])
    deviation = np.sqrt(np.maximum(level.square - level.mean**2, 1e-4))
    return with_slopes((cepstra - level.mean) / deviation)
