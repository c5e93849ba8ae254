"""What is known of the records of a source before anything is built: by its kind, or by what its listing says of an item.

Facts(fields=frozenset({"question", "answer"}), has_text=False)                             a line of a manifest
facts_of(dialogue)  ->  Facts(roles=frozenset({"human", "assistant"}), last="assistant")    a line of a script

A task refuses records of which it can never make a sample (`Task.misfit`).
"""

from dataclasses import dataclass

from weft.schemas.text import Dialogue


@dataclass(frozen=True, slots=True)
class Facts:
    """None where it is not known, or not the same of all records.

    `fields` are the names of their fields, those of turns among them. `has_text`: whether they have a transcript. `most_utterances` is
    the most that a recording or a dialogue has. Of dialogues: `roles` are those of all turns, `spoken` those of turns that a voice
    speaks, `has_answers` whether there are turns that are marked as chosen or rejected, `asked` the spoken roles of the turns before
    these, and `last` the role of the last of them.
    """

    fields: frozenset[str] | None = None
    has_text: bool | None = None
    most_utterances: int | None = None
    roles: frozenset[str] | None = None
    spoken: frozenset[str] | None = None
    asked: frozenset[str] | None = None
    last: str | None = None
    has_answers: bool | None = None


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
    )
