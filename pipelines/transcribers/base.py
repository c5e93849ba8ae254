"""A transcriber returns the text of a clip, its language, and a confidence.

samples, "en"  ->  Transcript("and so my fellow americans", "en", 0.93)
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from weft.schemas.ledger import Unusable
from weft.schemas.resources import Resources
from weft.schemas.settings import Versioned


@dataclass(frozen=True, slots=True)
class SpokenClip:
    """Samples (float32 [n], mono, 16 kHz) and their language ("": unknown)."""

    samples: np.ndarray
    language: str = ""


@dataclass(frozen=True, slots=True)
class Transcript:
    """`confidence` is the mean probability of the text, 0 to 1."""

    text: str
    language: str
    confidence: float


class Transcriber(Versioned):
    """The base of every `pipelines/transcribers/NAME.py`. Transcripts below `min_confidence` are rejected."""

    min_confidence: float = 0.4

    @property
    def resources(self) -> Resources:
        """CPUs, GPUs and memory of one worker."""
        return Resources()

    @property
    def batch_seconds(self) -> float:
        """Seconds of audio in one batch of `transcribe`; 0 for no batches."""
        return 0.0

    def setup(self) -> None:
        """Load the model. Raises ValueError when it cannot be loaded."""

    def version(self) -> str:
        """Backend and model, such as `faster-whisper-1.2.1 large-v3`."""
        raise NotImplementedError

    def transcribe(self, clips: Sequence[SpokenClip]) -> Iterator[Transcript | Unusable]:
        """The transcript of each clip, or the reason that it has none, in order."""
        raise NotImplementedError
