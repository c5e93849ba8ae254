"""What is known of the records of a source before anything is built: by its kind, or by what its listing says of an item.

Facts(fields=frozenset({"question", "answer"}), has_text=False)                             a line of a manifest
facts_of(dialogue)  ->  Facts(roles=frozenset({"human", "assistant"}), last="assistant")    a line of a script

A task refuses records of which it can never make a sample (`Task.misfit`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from weft.schemas.text import Dialogue, Turn


@dataclass(frozen=True, slots=True)
class Facts:
    """None where it is not known, or not the same of all records.

    `fields` are the names of their fields, those of turns among them. `has_text`: whether they have a transcript. `most_utterances` is
    the most that a recording or a dialogue has; of recordings, as long as none is cut: none lasts more than `longest` seconds.

    Of dialogues: `roles` are those of all turns, `spoken` those of turns that a voice speaks. `has_answers`: whether there are turns
    that are marked as chosen or rejected; `asked` are the spoken roles of the turns before these, and `last` is the role of the last of
    them. `dialogue_fields` are those of the dialogue itself, and `turn_fields`, by spoken role, those that each of
    its turns can say: its own and the dialogue's. `has_tools`: whether it lists tools.
    """

    fields: frozenset[str] | None = None
    has_text: bool | None = None
    most_utterances: int | None = None
    longest: float | None = None
    roles: frozenset[str] | None = None
    spoken: frozenset[str] | None = None
    asked: frozenset[str] | None = None
    last: str | None = None
    has_answers: bool | None = None
    dialogue_fields: frozenset[str] | None = None
    turn_fields: Mapping[str, frozenset[str]] | None = None
    has_tools: bool | None = None


def facts_of(dialogue: Dialogue) -> Facts:
    """All that a dialogue says of itself before it is spoken."""
    asked = [turn for turn in dialogue.turns if not turn.answer]
    fields = (*dialogue.fields, *(field for turn in dialogue.turns for field in turn.fields))
    return Facts(
        fields=frozenset(field.name for field in fields),
        has_text=True,
        most_utterances=sum(turn.is_spoken for turn in dialogue.turns),
        roles=frozenset(turn.role for turn in dialogue.turns),
        spoken=frozenset(turn.role for turn in dialogue.turns if turn.is_spoken),
        asked=frozenset(turn.role for turn in asked if turn.is_spoken),
        last=asked[-1].role if asked else None,
        has_answers=len(asked) < len(dialogue.turns),
        dialogue_fields=frozenset(field.name for field in dialogue.fields),
        turn_fields={**_by_role(dialogue, dialogue.turns), **_by_role(dialogue, asked)},
        has_tools=bool(dialogue.tools),
    )


def _by_role(dialogue: Dialogue, turns: Iterable[Turn]) -> dict[str, frozenset[str]]:
    """The fields that all spoken turns of a role have."""
    given: dict[str, frozenset[str]] = {}
    for turn in turns:
        if turn.is_spoken:
            names = frozenset(field.name for field in (*dialogue.fields, *turn.fields))
            given[turn.role] = given.get(turn.role, names) & names
    return given
