"""One utterance through an aligner, as the stage gives it."""

import numpy as np

from tests.pipelines.audio.held import HeldAudio
from weft.pipelines.aligners.base import Aligner
from weft.pipelines.aligners.common.utterances import align_utterances
from weft.schemas.audio import Alignment, Utterance
from weft.schemas.ledger import Unusable


def align_one(aligner: Aligner, utterance: Utterance, samples: np.ndarray) -> Alignment:
    """Raises the Unusable that it is refused with."""
    (alignment,) = align_utterances(aligner, HeldAudio(samples=samples), [utterance])
    if isinstance(alignment, Unusable):
        raise alignment
    return alignment
