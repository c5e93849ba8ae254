"""The rules of a dialogue, in one place: what every writer and every reader of scripts must keep.

checked((Turn("ann", "Hello.", role="human", level=7),))  ->  Unusable: turn 1: level 7 is not 1 to 5
opening_digest((Turn("ann", "Hello.", role="human"), Turn("bob", "Hi.", role="assistant")))  ->  "dba0…", of "Hello." alone
"""

import json
from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Any

from weft.schemas.answers import check_answers
from weft.schemas.fingerprint import digest
from weft.schemas.ledger import Unusable
from weft.schemas.text import LEVELS, ROLES, SPEEDS, Turn

LONGEST_PAUSE = 60.0  # seconds


def checked(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """The turns. Raises Unusable (bad_dialogue) with the number of the first wrong one, counted from 1; equal_answers for such."""
    if not turns:
        raise Unusable("bad_dialogue", "it has no turns")
    for number, turn in enumerate(turns, 1):
        for fault in (*_faults(turn), *_faults_in_place(turn, turns[: number - 1])):
            raise Unusable("bad_dialogue", f"turn {number}: {fault}")
    if not any(turn.is_spoken for turn in turns):
        raise Unusable("bad_dialogue", "none of its turns is spoken: it has no text of a human or an assistant")
    check_answers(turns)
    return tuple(turns)


def opening_digest(turns: Sequence[Turn]) -> str:
    """A digest of how a dialogue opens: all turns up to and with the first of the human, however they are spoken.

    So dialogues that begin alike have one name, and with them every answer to what they share. Where no human speaks, of all of it.
    """
    asked = [number for number, turn in enumerate(turns, 1) if turn.role == "human"]
    begun = turns[: asked[0]] if asked else turns
    return digest([[turn.role, turn.text, turn.tool_call, turn.tool_result] for turn in begun])


def _faults(turn: Turn) -> Iterator[str]:
    """What is wrong with a turn by itself."""
    if turn.role and turn.role not in ROLES:
        yield f"unknown role {turn.role!r}; known: {', '.join(ROLES)}"
    if not turn.speaker:
        yield "it has neither a speaker nor a role"
    if turn.level not in LEVELS:
        yield f"level {turn.level} is not 1 to 5"
    if turn.speed and turn.speed not in SPEEDS:
        yield f"unknown speed {turn.speed!r}; known: {', '.join(SPEEDS)}"
    for name, value in (("pause", turn.pause), ("overlap", turn.overlap)):
        if not (isfinite(value) and 0 <= value <= LONGEST_PAUSE):
            yield f"{name} {value} is not 0 to {LONGEST_PAUSE:g} seconds"
    if turn.pause and turn.overlap:
        yield "it has both a pause before it and an overlap with the turn before"
    yield from _tool_faults(turn)


def _tool_faults(turn: Turn) -> Iterator[str]:
    if not (turn.text or turn.tool_call or turn.tool_result):
        yield "it has neither text nor a tool call nor a tool result"
    if turn.tool_call and turn.role != "assistant":
        yield f"only the assistant calls tools, not {turn.role or turn.speaker!r}"
    if (turn.role == "tool") != bool(turn.tool_result):
        yield "a turn of the role tool, and no other, has a tool_result"
    if turn.role == "tool" and (turn.text or turn.tool_call):
        yield "a turn of the role tool has a tool_result and nothing else"
    if turn.tool_call and not _has(turn.tool_call, arguments=dict):
        yield 'tool_call is not {"name": text, "arguments": {…}}'
    if turn.tool_result and not _has(turn.tool_result, content=object):
        yield 'tool_result is not {"name": text, "content": …}'


def _faults_in_place(turn: Turn, before: Sequence[Turn]) -> Iterator[str]:
    """What is wrong with a turn after the turns before it."""
    if turn.overlap and not any(t.is_spoken for t in before):
        yield "it overlaps a turn before it, and no spoken turn is before it"
    if (turn.pause or turn.overlap) and not turn.is_spoken:
        yield "it has a pause or an overlap and is not spoken"
    if turn.tool_result and _name(turn.tool_result) not in {_name(t.tool_call) for t in before if t.tool_call}:
        yield f"it is the result of a tool that no turn before it calls: {_name(turn.tool_result)!r}"


def _has(text: str, **kinds: type) -> bool:
    """Whether a text is a JSON object with a name, these keys and no others."""
    value = _object(text)
    return (
        value.keys() == {"name", *kinds}
        and isinstance(value["name"], str)
        and bool(value["name"])
        and all(isinstance(value[key], kind) for key, kind in kinds.items())
    )


def _name(text: str) -> Any:
    return _object(text).get("name")


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
