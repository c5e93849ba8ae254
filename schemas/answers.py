"""Two answers to one prompt in a dialogue: its last turns are those marked `chosen`, then those marked `rejected`.

check_answers((asked, replace(fine, answer="chosen"), replace(fine, answer="rejected")))  ->  Unusable: equal_answers
"""

from collections.abc import Iterator, Sequence

from weft.schemas.ledger import Unusable
from weft.schemas.text import ANSWERS, Turn


def check_answers(turns: Sequence[Turn]) -> None:
    """Raises Unusable for answers that are no pair (bad_dialogue), and for two that are equal (equal_answers)."""
    marks = [turn.answer for turn in turns]
    if not any(marks):
        return
    for fault in _faults(turns, marks):
        raise Unusable("bad_dialogue", fault)
    chosen, rejected = ([_content(turn) for turn in turns if turn.answer == answer] for answer in ANSWERS)
    if chosen == rejected:
        raise Unusable("equal_answers", "its chosen and its rejected answer are equal")


def _faults(turns: Sequence[Turn], marks: Sequence[str]) -> Iterator[str]:
    first = next(number for number, mark in enumerate(marks) if mark)
    for number, turn in enumerate(turns, 1):
        if turn.answer and turn.answer not in ANSWERS:
            yield f"turn {number}: unknown answer {turn.answer!r}; known: {', '.join(ANSWERS)}"
        if turn.answer and turn.role != "assistant":
            yield f"turn {number}: only the assistant answers, not {turn.role or turn.speaker!r}"
    if set(marks[first:]) != set(ANSWERS) or list(marks[first:]) != sorted(marks[first:]):
        yield "its last turns must be the answer marked `chosen`, then the one marked `rejected`"
    if not first:
        yield "its answers have no turn before them that they answer"


def _content(turn: Turn) -> Turn:
    """A turn without what synthesis adds to it and where its text came from."""
    return Turn(
        speaker=turn.speaker, text=turn.text, emotion=turn.emotion, level=turn.level, role=turn.role, style=turn.style,
        speed=turn.speed, language=turn.language, tool_call=turn.tool_call, tool_result=turn.tool_result,
    )  # fmt: skip
