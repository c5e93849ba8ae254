"""The audio of a corpus's utterances, read where it is wanted: what is done around a backend gets this record from the stage.

audio = AudioReader(Store("corpus"))
audio.load(utterance)                   92,800 floats, or Unusable("truncated", …)
audio.exact(utterance)                  the same, or Unusable("wrong_length", …)
audio.stretch(utterance, 15.0, 30.0)    240,000 floats
"""

from dataclasses import dataclass

import numpy as np

from weft.pipelines.audio.sound import RATE, load, load_utterance
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Utterance
from weft.schemas.ledger import Unusable

_ROUNDING = 0.02  # seconds of difference that resampling and containers may cause


@dataclass(frozen=True)
class AudioReader:
    """Samples are float32 [n], mono, 16 kHz, -1 to 1. Every method raises Unavailable where the file is gone."""

    store: Store

    def load(self, utterance: Utterance) -> np.ndarray | Unusable:
        """All of an utterance, or why it is of no use."""
        return load_utterance(self.store, utterance)

    def exact(self, utterance: Utterance) -> np.ndarray | Unusable:
        """The same, or wrong_length where the length is no longer that of the ingested utterance."""
        samples = self.load(utterance)
        if isinstance(samples, Unusable) or abs(len(samples) / RATE - utterance.seconds) <= _ROUNDING:
            return samples
        lengths = f"{len(samples) / RATE:.3f} s of an utterance of {utterance.seconds:.3f} s"
        return Unusable("wrong_length", f"{lengths}: its audio has changed")

    def stretch(self, utterance: Utterance, start: float, end: float) -> np.ndarray:
        """Seconds `start` to `end` of an utterance, counted from its beginning. Raises Unusable."""
        return load(self.store, utterance.audio, utterance.start + start, utterance.start + end)
