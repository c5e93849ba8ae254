"""What a token is, and what stands before it in its document: the condition that its loss is summed under.

    conditions(Contents.of(vocabulary), batch)      (B, T): 0 for text, 2 for text given speech, … -1 where nothing is measured

A token is text or speech by the vocabulary's modality. It is *given* the other where a token of the other's content stands before it in
what the model sees of its document: speech codes or latent audio for text, a text token for speech. A document that is longer than the
context is cut, and the model sees its own piece alone.
Markers such as [Speech] and the tokens that begin, end and pad a text are no content; words of a chat template, such as `human`, are.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from weft.schemas.vocabulary import Vocabulary
from weft.trainer.stream import Batch

CONDITIONS = (
    "text",
    "speech",
    "text given speech",
    "speech given text",
    "text given images",
    "speech given images",
)
NOTHING = -1  # no token that counts, or one that is neither text nor speech: a marker of audio or images


@dataclass(frozen=True, eq=False)
class Contents:
    """What each id of a vocabulary of V ids is: text and speech (V,) bool by modality, `content` (V,) bool without markers."""

    is_text_V: np.ndarray
    is_speech_V: np.ndarray
    content: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> "Contents":
        modality_V = vocabulary.modalities()
        no_marker_V = np.ones(vocabulary.size, bool)
        no_marker_V[[marker.id for marker in vocabulary.markers if marker.modality in ("text", "speech")]] = False
        no_marker_V[[one for one in (vocabulary.bos, vocabulary.pad, *vocabulary.ends) if one is not None]] = False
        return cls(
            is_text_V=modality_V == "text",
            is_speech_V=modality_V == "speech",
            content={
                "text": (modality_V == "text") & no_marker_V,
                "speech": np.isin(modality_V, ("speech", "audio")) & no_marker_V,
                "image": modality_V == "image",
            },
        )


def conditions(contents: Contents, batch: Batch) -> np.ndarray:
    """The number in CONDITIONS of each counted token of a batch, (B, T) int32; NOTHING elsewhere."""
    before = {name: _stands_before(of_V[batch.ids_BT], batch) for name, of_V in contents.content.items()}
    numbers_BT = np.full(batch.ids_BT.shape, NOTHING, np.int32)
    for is_one_V, own, other in ((contents.is_text_V, "text", "speech"), (contents.is_speech_V, "speech", "text")):
        counted_BT = batch.loss_mask_BT & is_one_V[batch.ids_BT]
        # the later condition wins: what follows speech and an image is given speech
        for name, where_BT in (
            (own, True),
            (f"{own} given images", before["image"]),
            (f"{own} given {other}", before[other]),
        ):
            numbers_BT[counted_BT & where_BT] = CONDITIONS.index(name)
    return numbers_BT


def _stands_before(content_BT: np.ndarray, batch: Batch) -> np.ndarray:
    """Whether a token of the content stands before each token in its document, (B, T) bool."""
    so_far_BT = np.cumsum(content_BT, axis=1) - content_BT
    begins_BT = np.arange(content_BT.shape[1]) - batch.positions_BT  # positions restart with every document
    return so_far_BT > np.take_along_axis(so_far_BT, begins_BT, axis=1)
