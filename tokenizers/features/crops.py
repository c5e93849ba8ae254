"""Random crops of clips, as log-mels; they depend on the random generator alone.

clips     a a a a a|b b|c c c c          crops of 4 frames     a a a a   b b . .   c c c c
places    0 1 2 3 4 5 6 7 8 9 10                               1 2 3 4   5 6 -1 -1  7 8 9 10
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from weft.tokenizers.features.mels import STEP, log_mels
from weft.tokenizers.models.mel_hubert import BANDS


@dataclass(frozen=True)
class Crops:
    """The log-mels of all clips, concatenated: float32 [frames, stack * BANDS], with the frame at which each clip ends. A batch has
    `rows` crops of at most `length` frames.
    """

    mels: torch.Tensor
    ends: np.ndarray
    stack: int
    rows: int
    length: int

    @classmethod
    def of(cls, clips: Sequence[np.ndarray], hop: int, rows: int, length: int) -> "Crops":
        """From float samples [n] at 16 kHz, with a frame every `hop` samples (a multiple of 160)."""
        stack = hop // STEP
        mels = [log_mels(clip, BANDS) for clip in clips]
        framed = [m[: len(m) // stack * stack].reshape(-1, stack * BANDS) for m in mels]
        lengths = [len(one) for one in framed]
        mels_TF = torch.from_numpy(np.concatenate(framed))
        ends = np.cumsum(lengths)
        return cls(mels=mels_TF, ends=ends, stack=stack, rows=rows, length=min(length, max(lengths)))

    def batch(self, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """A batch: log-mels [rows, steps, BANDS], each row from one clip with a probability proportional to its length; and the rows'
        frame numbers, int64 [rows, length], -1 for padding.
        """
        clips = np.searchsorted(self.ends, rng.integers(0, self.ends[-1], self.rows), side="right")
        begin, end = np.concatenate([[0], self.ends])[clips], self.ends[clips]
        first = begin + (rng.random(self.rows) * (np.maximum(end - begin - self.length, 0) + 1)).astype(int)
        frames = first[:, None] + np.arange(self.length)
        places = torch.from_numpy(np.where(frames < end[:, None], frames, -1))
        mels = self.mels[places] * (places >= 0)[..., None]
        return mels.reshape(self.rows, self.length * self.stack, BANDS), places
