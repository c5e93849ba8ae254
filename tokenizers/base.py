"""What every speech tokenizer is: samples in, ids and their durations in frames out.

    ids        17  3 88 17        one id a run of equal frames (with `dedup`)
    durations   2  1  4  1        frames of 1/rate seconds; they sum to frames(n_samples)

A leaf gives `_frames` (an id a frame), `frames`, `train`, `load` and `version`; checks and runs are done here.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import Field

from weft.schemas.settings import Settings

SAMPLE_RATE = 16_000


class SpeechTokenizer(Settings, ABC):
    """Fields are settings: `rate` frames a second, `size` codes, each spelt `literal` with its number in it."""

    rate: float = Field(gt=0)
    size: int = Field(ge=1)
    literal: str
    dedup: bool = True

    @property
    def training_seconds(self) -> float:
        """How much audio `train` wants to hear, in seconds; 0 when it needs none."""
        return 0.0

    @property
    def checksum(self) -> str:
        """The name of the loaded weights."""
        return ""

    def encode(self, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ids int32 [units] and durations int32 [units] in frames, for float mono audio [n_samples] at 16 kHz.

        The durations sum to `frames(n_samples)`. Raises ValueError for audio that is not one row of finite floats or
        is shorter than a frame; RuntimeError when nothing was loaded.
        """
        count = self.frames(len(checked(samples)))
        if count < 1:
            raise ValueError(f"audio of {len(samples)} samples is shorter than one frame ({1 / self.rate:g} s)")
        ids = self._frames(np.ascontiguousarray(samples, dtype=np.float32))
        # a leaf that drops or adds a frame would shift every word behind it
        assert ids.shape == (count,), f"{type(self).__module__} gave {ids.shape} ids for {count} frames"
        assert ids.min() >= 0 and ids.max() < self.size, (
            f"{type(self).__module__} gave ids beyond its {self.size} codes"
        )
        return deduplicate(ids) if self.dedup else (ids.astype(np.int32), np.ones(count, np.int32))

    @abstractmethod
    def train(self, clips: Sequence[np.ndarray], folder: Path, seed: int) -> None:
        """Learn from float mono 16 kHz clips and write the model into `folder`."""

    @abstractmethod
    def load(self, folder: Path) -> None:
        """Make ready to encode with what `train` wrote. Raises ValueError for what does not fit the settings."""

    @abstractmethod
    def frames(self, n_samples: int) -> int:
        """How many frames audio of so many samples has."""

    @abstractmethod
    def version(self) -> str:
        """The backend and its version, the same before and after `load`: a change of it makes all ids stale."""

    @abstractmethod
    def _frames(self, samples: np.ndarray) -> np.ndarray:
        """One id in [0, size) a frame, of float32 samples [n_samples] that have been checked."""


def checked(samples: np.ndarray) -> np.ndarray:
    """The samples, if they are one row of finite floats. Raises ValueError saying what they are instead."""
    if samples.ndim != 1:
        raise ValueError(f"audio has shape {samples.shape}; one channel [n_samples] is wanted, so mix it down first")
    if not np.issubdtype(samples.dtype, np.floating):
        raise ValueError(f"audio is {samples.dtype}; floats within -1…1 are wanted")
    if not np.isfinite(samples).all():
        raise ValueError(f"audio has {np.count_nonzero(~np.isfinite(samples))} samples that are not finite numbers")
    return samples


def deduplicate(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Runs of equal ids [frames] as ids int32 [units] and lengths int32 [units]; `expand` undoes it."""
    starts = np.flatnonzero(np.diff(ids, prepend=ids[:1] - 1))
    return ids[starts].astype(np.int32), np.diff(starts, append=len(ids)).astype(np.int32)


def expand(ids: np.ndarray, durations: np.ndarray) -> np.ndarray:
    """An id a frame again, int32 [sum of durations]."""
    return np.repeat(ids, durations).astype(np.int32)
