"""The rules of a dialogue: each kind of wrong turn is refused with its number and a plain reason."""

from typing import Any

import pytest

from weft.schemas.dialogue import checked
from weft.schemas.ledger import Unusable
from weft.schemas.text import Turn

CALL = '{"name": "weather", "arguments": {"city": "Oslo"}}'
RESULT = '{"name": "weather", "content": "rain"}'


def turn(**fields: Any) -> Turn:
    return Turn(**{"speaker": "a", "text": "Hello.", **fields})


def test_a_chat_with_a_tool_is_right_and_comes_back_unchanged() -> None:
    turns = (
        turn(role="system", text="Be short."),
        turn(role="human", emotion="happy", level=5, speed="fast2", language="en"),
        turn(role="assistant", text="", tool_call=CALL),
        turn(role="tool", text="", tool_result=RESULT),
        turn(role="assistant", text="It rains.", pause=0.5),
        turn(role="human", overlap=0.2),
    )
    assert checked(list(turns)) == turns


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"role": "narrator"}, "unknown role 'narrator'; known: system, human, assistant, tool"),
        ({"speaker": ""}, "neither a speaker nor a role"),
        ({"level": 0}, "level 0 is not 1 to 5"),
        ({"level": 6}, "level 6 is not 1 to 5"),
        ({"speed": "fast3"}, "unknown speed 'fast3'; known: slow2, slow1, fast1, fast2"),
        ({"text": ""}, "neither text nor a tool call nor a tool result"),
        ({"pause": -0.1}, "pause -0.1 is not 0 to 60 seconds"),
        ({"pause": float("nan")}, "pause nan is not"),
        ({"overlap": 61.0}, "overlap 61.0 is not"),
        ({"pause": 1.0, "overlap": 1.0}, "both a pause"),
        ({"role": "system", "pause": 1.0}, "is not spoken"),
        ({"role": "human", "tool_call": CALL}, "only the assistant calls tools, not 'human'"),
        ({"role": "assistant", "tool_call": "weather"}, "tool_call is not"),
        ({"role": "assistant", "tool_call": '{"name": "weather"}'}, "tool_call is not"),
        ({"role": "assistant", "tool_call": '{"name": "", "arguments": {}}'}, "tool_call is not"),
        ({"role": "assistant", "tool_call": '{"name": "x", "arguments": []}'}, "tool_call is not"),
        ({"role": "tool", "text": ""}, "neither text nor"),
        ({"role": "tool"}, "has a tool_result"),
        ({"role": "human", "text": "", "tool_result": RESULT}, "and no other, has a tool_result"),
        ({"role": "tool", "tool_result": RESULT}, "has a tool_result and nothing else"),
        ({"role": "tool", "text": "", "tool_result": RESULT}, "no turn before it calls: 'weather'"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_wrong_turn_is_named_by_its_number(fields: dict[str, Any], fault: str) -> None:
    with pytest.raises(Unusable) as caught:
        checked([turn(), turn(**fields)])
    assert caught.value.reason == "bad_dialogue"
    assert caught.value.detail.startswith("turn 2: ") and fault in caught.value.detail


def test_the_first_turn_overlaps_nothing() -> None:
    with pytest.raises(Unusable, match="no spoken turn is before it"):
        checked([turn(role="system"), turn(overlap=0.1)])


@pytest.mark.parametrize("turns", [[], [turn(role="system")]], ids=["none", "a system prompt alone"])
def test_a_dialogue_without_a_spoken_turn_is_refused(turns: list[Turn]) -> None:
    with pytest.raises(Unusable, match=r"no turns|none of its turns is spoken"):
        checked(turns)
