"""What goes into a speech tokenizer and what comes out.

Speech(samples, speaker="s1")  ->  Stream(25.0, ids=[17, 3, 88], durations=[2, 1, 4]): 17 for 0.08 s, 3 for 0.04 s, …
"""

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Speech:
    """Samples (float32 [n], mono, 16 kHz, -1 to 1) and what is known of them; "" is unknown."""

    samples: np.ndarray
    text: str = ""
    speaker: str = ""
    emotion: str = ""

    @property
    def name(self) -> str:
        """Of its content, so that it orders speech whatever order it came in."""
        labels = f"{self.text}\0{self.speaker}\0{self.emotion}\0".encode()
        return blake2b(labels + np.ascontiguousarray(self.samples, np.float32).tobytes(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """Ids int32 [n] and durations int32 [n] in frames of 1/rate seconds."""

    rate: float
    ids: np.ndarray
    durations: np.ndarray

    @property
    def begins(self) -> np.ndarray:
        """The frame each id begins with, int64 [n]."""
        return np.cumsum(self.durations, dtype=np.int64) - self.durations

    @property
    def frames(self) -> np.ndarray:
        """An id a frame again, int32 [sum of durations]."""
        return np.repeat(self.ids, self.durations).astype(np.int32)


def deduplicate(rate: float, ids: np.ndarray) -> Stream:
    """Runs of equal ids [frames] as one id each; `frames` undoes it."""
    starts = np.flatnonzero(np.diff(ids, prepend=ids[:1] - 1))
    return Stream(rate, ids[starts].astype(np.int32), np.diff(starts, append=len(ids)).astype(np.int32))


def frame_by_frame(rate: float, ids: np.ndarray) -> Stream:
    """Ids [frames], each of one frame."""
    return Stream(rate, ids.astype(np.int32), np.ones(len(ids), np.int32))
