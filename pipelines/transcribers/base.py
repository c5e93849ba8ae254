"""A transcriber writes down what it hears, in which language, and how sure it is.

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
    """Samples (float32 [n], mono, 16 kHz) and the language they are known to be in ("": unknown)."""

    samples: np.ndarray
    language: str = ""


@dataclass(frozen=True, slots=True)
class Transcript:
    """`confidence` is the mean probability of what was written, 0 to 1."""

    text: str
    language: str
    confidence: float


class Transcriber(Versioned):
    """The base of every `pipelines/transcribers/NAME.py`. What it is less sure of than `min_confidence` is rejected."""

    min_confidence: float = 0.4

    @property
    def resources(self) -> Resources:
        """What one worker holds."""
        return Resources()

    @property
    def batch_seconds(self) -> float:
        """How much audio `transcribe` likes at a time; 0 for a clip after another."""
        return 0.0

    def setup(self) -> None:
        """Load the model. Raises ValueError when it is not there."""

    def version(self) -> str:
        """Backend and model, such as `faster-whisper-1.2.1 large-v3`."""
        raise NotImplementedError

    def transcribe(self, clips: Sequence[SpokenClip]) -> Iterator[Transcript | Unusable]:
        """What is said in each, or why that cannot be told, in order."""
        raise NotImplementedError
