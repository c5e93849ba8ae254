"""One utterance through an aligner, as the stage gives it."""

import numpy as np

from weft.pipelines.aligners.base import Aligner
from weft.pipelines.aligners.common.clips import Transcribed
from weft.pipelines.aligners.common.utterances import align_utterances
from weft.pipelines.audio.sound import RATE
from weft.schemas.audio import Alignment, Utterance
from weft.schemas.ledger import Unusable


def align_one(aligner: Aligner, utterance: Utterance, samples: np.ndarray) -> Alignment:
    """Raises the Unusable that it is refused with."""

    def read(start: float, end: float) -> np.ndarray:
        return samples[round(start * RATE) : round(end * RATE)]

    (alignment,) = align_utterances(aligner, [Transcribed(utterance=utterance, load=lambda: samples, read=read)])
    if isinstance(alignment, Unusable):
        raise alignment
    return alignment
