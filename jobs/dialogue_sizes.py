"""What a dialogue holds, and what some of its turns hold as utterances.

dialogue_size(dialogues, texts)                  ->   SourceSize(items=1, records=2, seconds=3.1, turns=DialogueAmounts(…), …)
utterances_size([SpokenTurn(dialogue, turn)])    ->   SourceSize(items=1, records=1, seconds=1.4, …)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from weft.jobs.source_sizes import SourceSize, samples_of
from weft.jobs.turn_amounts import DialogueAmounts, amounts_of_turn, bytes_of, turn_amounts
from weft.schemas.facts import Facts, utterance_facts
from weft.schemas.text import Dialogue, Turn


@dataclass(frozen=True, slots=True)
class SpokenTurn:
    """A turn that a voice speaks, with its dialogue."""

    dialogue: Dialogue
    turn: Turn

    @property
    def facts(self) -> Facts:
        return utterance_facts(self.dialogue, self.turn)


def spoken_turns(dialogues: Sequence[Dialogue]) -> list[SpokenTurn]:
    return [SpokenTurn(one, turn) for one in dialogues for turn in one.turns if turn.is_spoken]


def dialogue_size(dialogues: Sequence[Dialogue], texts: Mapping[str, Sequence[str]]) -> SourceSize:
    """Of an item whose named texts are these; nothing but an item where it gives no dialogue."""
    turns = sum(map(turn_amounts, dialogues), DialogueAmounts())
    spoken = turns.all_spoken
    return SourceSize(
        items=1, read=1, records=spoken.turns, seconds=spoken.seconds, lengths={round(spoken.turns): 1}, turns=turns,
        fields=bytes_of(texts), samples=samples_of(texts),
    )  # fmt: skip


def utterances_size(turns: Sequence[SpokenTurn]) -> SourceSize:
    """Of an item of which these turns count alone. An utterance has its turn's fields, and the dialogue's that the turn lacks."""
    amounts = sum((amounts_of_turn(one.turn) for one in turns), DialogueAmounts())
    fields: dict[str, list[str]] = {}
    for name, value in (one for turn in turns for one in _fields(turn).items()):
        fields.setdefault(name, []).append(value)
    return SourceSize(
        items=1, read=1, records=len(turns), seconds=amounts.all_spoken.seconds, lengths={len(turns): 1}, turns=amounts,
        fields=bytes_of(fields),
    )  # fmt: skip


def _fields(spoken: SpokenTurn) -> dict[str, str]:
    return {field.name: field.value for field in (*spoken.dialogue.fields, *spoken.turn.fields)}
