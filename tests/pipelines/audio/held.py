"""Audio that is here, and in no file."""

from dataclasses import dataclass, field

import numpy as np

from weft.pipelines.audio.reader import AudioReader
from weft.pipelines.audio.sound import RATE
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Utterance
from weft.schemas.ledger import Unusable


@dataclass(frozen=True)
class HeldAudio(AudioReader):
    """The same samples of every utterance, however long it says it is; without any, reading is a mistake of the test."""

    store: Store = field(default_factory=lambda: Store("nowhere"))
    samples: np.ndarray | None = None

    def load(self, utterance: Utterance) -> np.ndarray | Unusable:
        assert self.samples is not None, "audio was read"
        return self.samples

    def exact(self, utterance: Utterance) -> np.ndarray | Unusable:
        return self.load(utterance)

    def stretch(self, utterance: Utterance, start: float, end: float) -> np.ndarray:
        assert self.samples is not None, "audio was read"
        return self.samples[round(start * RATE) : round(end * RATE)]


class Silence(AudioReader):
    """As many samples as each utterance has."""

    def __init__(self) -> None:
        super().__init__(Store("nowhere"))

    def load(self, utterance: Utterance) -> np.ndarray:
        return np.zeros(round(RATE * utterance.seconds), np.float32)
