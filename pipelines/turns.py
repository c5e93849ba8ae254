"""Makes utterances of the turns of a spoken dialogue.

Dialogue(turns=(Turn("Good morning.", seconds=0.9), …))  ->  Utterance("d-1-0000", start=0.0, end=0.9, turn=0), …
"""

from collections.abc import Iterable, Iterator
from typing import Any

from weft.pipelines.parts.splits import Splits
from weft.pipelines.stage import Stage, rejected
from weft.schemas.audio import Field, Utterance
from weft.schemas.dialogue import opening_digest
from weft.schemas.ledger import Reject, Unusable
from weft.schemas.text import Dialogue, Turn


class Turns(Stage):
    """Makes one utterance of each spoken turn of a dialogue, with the voice's word times; all turns are in one split."""

    splits: Splits = Splits()

    @property
    def makes(self) -> type:
        return Utterance

    def version(self) -> str:
        return "5"

    def parent(self, record: Any) -> str:
        return record.recording

    def __call__(self, dialogues: Iterable[Dialogue]) -> Iterator[Utterance | Reject]:
        for dialogue in dialogues:
            try:
                split = self.splits.of(self.splits.named(dialogue))
            except Unusable as fault:
                yield rejected(dialogue, "segment", fault)
                continue
            for number, turn in enumerate(dialogue.turns):
                if turn.is_spoken:
                    yield _utterance(dialogue, number, split)


def _utterance(dialogue: Dialogue, number: int, split: str) -> Utterance:
    turn = dialogue.turns[number]
    return Utterance(
        key=f"{dialogue.key}-{number:04d}",
        recording=dialogue.key,
        source=dialogue.source,
        audio=turn.audio,
        sha256="",
        start=0.0,
        end=turn.seconds,
        text=turn.text,
        words=turn.words,
        speaker=turn.speaker,
        language=turn.language or dialogue.language,
        licence=dialogue.licence,
        emotion=turn.emotion,
        dialogue=dialogue.key,
        turn=number,
        path=dialogue.key,
        split=split,
        item=opening_digest(dialogue.turns),
        role=turn.role,
        level=turn.level if turn.emotion else 0,
        style=turn.style,
        fields=_fields(dialogue, turn),
    )


def _fields(dialogue: Dialogue, turn: Turn) -> tuple[Field, ...]:
    """The turn's own, and those of the dialogue that it has not."""
    own = {field.name for field in turn.fields}
    return (*turn.fields, *(field for field in dialogue.fields if field.name not in own))
