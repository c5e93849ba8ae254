"""An utterance as a speech tokenizer takes it, to be trained and to encode.

speech_of(utterance, samples)  ->  Speech(samples, text="and then", speaker="read/anna", emotion="happy")
"""

import numpy as np

from weft.pipelines.aligners.base import speaker_of
from weft.schemas.audio import Utterance
from weft.tokenizers.stream import Speech


def speech_of(utterance: Utterance, samples: np.ndarray) -> Speech:
    """The tokenizer's input for an utterance with its samples (float32 [n], mono, 16 kHz, -1 to 1)."""
    return Speech(samples, text=utterance.text or "", speaker=speaker_of(utterance), emotion=utterance.emotion)
