"""What is known of the records of a source before anything is built: by its kind, or by what its listing says of an item.

Facts(fields=frozenset({"question", "answer"}), has_text=False)                             a line of a manifest
facts_of(dialogue)  ->  Facts(roles=frozenset({"human", "assistant"}), last="assistant")    a line of a script

A task refuses records of which it can never make a sample (`Task.misfit`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from weft.schemas.audio import Supervision
from weft.schemas.text import ANSWERS, Dialogue, Turn

FieldsByRole = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Facts:
    """None where it is not known, or not the same of all records.

    `fields` are the names of their fields, those of turns among them. `has_text`: whether they have a transcript. `most_utterances` is
    the most that a recording or a dialogue has; of recordings, as long as none is cut: none lasts more than `longest` seconds.

    `stretch`: the labels of a stretch of a recording, with its place in it.

    Of dialogues: `roles` are those of all turns. `spoken` is of the turns that a voice speaks: by how they are marked ("" before any
    answers, `chosen`, `rejected`) and by role, the fields that each of them can say, its own and the dialogue's. `has_answers`: whether
    there are turns that are marked; `last` is the role of the last turn before these. `dialogue_fields` are those of the dialogue
    itself. `has_tools`: whether it lists tools.
    """

    fields: frozenset[str] | None = None
    has_text: bool | None = None
    most_utterances: int | None = None
    longest: float | None = None
    roles: frozenset[str] | None = None
    spoken: Mapping[str, FieldsByRole] | None = None
    last: str | None = None
    has_answers: bool | None = None
    dialogue_fields: frozenset[str] | None = None
    has_tools: bool | None = None
    stretch: Supervision | None = None

    def spoken_as(self, marks: Iterable[str]) -> FieldsByRole | None:
        """By role, the fields that all spoken turns can say which are marked as one of these; None where that is not known."""
        if self.spoken is None:
            return None
        given: dict[str, frozenset[str]] = {}
        for role, names in (one for mark in marks for one in self.spoken.get(mark, {}).items()):
            given[role] = given.get(role, names) & names
        return given


def facts_of_labels(labels: Supervision, is_stretch: bool) -> Facts:
    """What the labels of a whole recording, or of a stretch of one, say of the record."""
    return Facts(
        fields=frozenset(field.name for field in labels.fields),
        has_text=bool(labels.text),
        stretch=labels if is_stretch else None,
    )


def facts_of(dialogue: Dialogue) -> Facts:
    """All that a dialogue says of itself before it is spoken."""
    asked = [turn for turn in dialogue.turns if not turn.answer]
    fields = (*dialogue.fields, *(field for turn in dialogue.turns for field in turn.fields))
    return Facts(
        fields=frozenset(field.name for field in fields),
        has_text=True,
        most_utterances=sum(turn.is_spoken for turn in dialogue.turns),
        roles=frozenset(turn.role for turn in dialogue.turns),
        spoken={mark: _by_role(dialogue, mark) for mark in ("", *ANSWERS)},
        last=asked[-1].role if asked else None,
        has_answers=len(asked) < len(dialogue.turns),
        dialogue_fields=frozenset(field.name for field in dialogue.fields),
        has_tools=bool(dialogue.tools),
    )


def utterance_facts(dialogue: Dialogue, turn: Turn) -> Facts:
    """Of the utterance that a turn becomes: it has the dialogue's fields too."""
    return Facts(fields=frozenset(field.name for field in (*dialogue.fields, *turn.fields)), has_text=True)


def _by_role(dialogue: Dialogue, mark: str) -> FieldsByRole:
    """The fields that all spoken turns of a role have which are so marked."""
    given: dict[str, frozenset[str]] = {}
    for turn in dialogue.turns:
        if turn.is_spoken and turn.answer == mark:
            names = frozenset(field.name for field in (*dialogue.fields, *turn.fields))
            given[turn.role] = given.get(turn.role, names) & names
    return given
