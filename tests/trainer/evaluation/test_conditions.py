"""What a token is, and what stands before it in its document."""

import numpy as np
import pytest

from weft.schemas.vocabulary import Codebook, Marker, Vocabulary
from weft.trainer.evaluation.conditions import CONDITIONS, Contents, conditions
from weft.trainer.stream import Batch, StreamState

# ids 0-9 text (0 begins a document, 8 pads, 9 ends), 10 [Text], 11 [Speech], 12 latent audio, 13 an image, 20-29 codes
VOCABULARY = Vocabulary(
    text_size=10,
    bos=0,
    markers=(
        Marker(name="text", literal="[Text]", id=10),
        Marker(name="speech", literal="[Speech]", id=11, modality="speech"),
        Marker(name="audio-patch", literal="<audio>", id=12, modality="audio"),
        Marker(name="image-patch", literal="<image>", id=13, modality="image"),
    ),
    codebooks=(Codebook(tokenizer="hubert", literal="[Hu{}]", first=20, size=10),),
    size=32,
    text_fingerprint="toy",
    pad=8,
    ends=(9,),
)
SHORT = {"": "", "T": "text", "S": "speech", "TS": "text given speech", "ST": "speech given text",
         "TI": "text given images", "SI": "speech given images"}  # fmt: skip


def batch_of(documents: list[list[int]], uncounted: tuple[int, ...] = ()) -> Batch:
    """One row of documents; the first token of each is not predicted."""
    ids = [one for document in documents for one in document]
    positions = [at for document in documents for at in range(len(document))]
    targets = [at > 0 and n not in uncounted for n, at in enumerate(positions)]
    numbers = [n for n, document in enumerate(documents) for _ in document]
    one = {
        name: np.array([row], np.int32)
        for name, row in (("ids", ids), ("positions", positions), ("documents", numbers))
    }
    return Batch(
        ids_BT=one["ids"],
        positions_BT=one["positions"],
        documents_BT=one["documents"],
        loss_mask_BT=np.array([targets]),
        labels_BT=np.zeros((1, len(ids)), np.int32),
        tasks=("words",),
        counted=sum(targets),
        after=StreamState(),
    )


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        ([[0, 10, 1, 2]], " T T T"),
        ([[8, 11, 9, 20, 21]], " S T S S"),
        ([[0, 11, 20, 21]], " S S S"),  # neither the begin nor the marker is text that speech is given
        ([[0, 11, 20, 10, 1, 11, 21]], " S S TS TS ST ST"),
        ([[0, 10, 1, 11, 20, 10, 2]], " T T ST ST TS TS"),
        ([[1, 11, 20], [10, 2, 3], [11, 20, 1]], " ST ST  T T  S TS"),  # a document sees itself alone
        ([[12, 12, 1, 20]], "  TS ST"),  # latent audio is speech, and is not predicted itself
        ([[13, 1, 20, 2]], " TI ST TS"),
        ([[13, 11, 20, 1]], " SI SI TS"),
        ([[11, 1]], " T"),  # a marker alone is no speech
    ],
)
def test_the_condition_of_each_token(documents: list[list[int]], expected: str) -> None:
    numbers = conditions(Contents.of(VOCABULARY), batch_of(documents))[0]
    names = [CONDITIONS[n] if n >= 0 else "" for n in numbers]
    assert names == [SHORT[short] for short in expected.split(" ")]


def test_what_does_not_count_has_none_but_is_given() -> None:
    numbers = conditions(Contents.of(VOCABULARY), batch_of([[1, 20, 2, 21]], uncounted=(1,)))[0]
    assert [CONDITIONS[n] if n >= 0 else "" for n in numbers] == ["", "", "text given speech", "speech given text"]
