"""The samples of each frame of a stack of strided convolutions.

Grid(hop=640, window=720): frame i sees samples [i*640 - 40, i*640 + 680), centred on [i*640, (i+1)*640)
grid.frames(16000) == 25; the convolutions give exactly these frames of grid.pad(samples)
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Grid:
    """`hop` samples from one frame to the next; a frame depends on `window` samples."""

    hop: int
    window: int

    @classmethod
    def of(cls, kernels: Sequence[int], strides: Sequence[int]) -> "Grid":
        """The grid of convolutions without padding, first to last. Raises ValueError when they leave samples out."""
        window = 1 + sum((k - 1) * math.prod(strides[:i]) for i, k in enumerate(kernels))
        if window < math.prod(strides):
            raise ValueError(f"convolutions of window {window} and hop {math.prod(strides)} skip samples")
        return cls(math.prod(strides), window)

    def frames(self, n_samples: int) -> int:
        """Whole hops in `n_samples`; the remainder has no frame."""
        return n_samples // self.hop

    def pad(self, samples: np.ndarray) -> np.ndarray:
        """Samples with silence either side, so that valid convolutions give `frames(len(samples))`, each centred."""
        left = (self.window - self.hop) // 2
        padded = np.zeros(len(samples) + self.window - self.hop, samples.dtype)
        padded[left : left + len(samples)] = samples
        return padded
