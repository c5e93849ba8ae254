"""Every field of a turn comes from JSON into the record, and what is no such field is refused."""

from typing import Any

import pytest

from weft.pipelines.sources.common.turns import tools_of, turn_of, turns_of
from weft.schemas.text import Origin, Turn


def test_every_field_is_read() -> None:
    origin = {"writer": "chat", "version": "2", "seed": 7, "model": "qwen"}
    fields = {
        "role": "assistant", "speaker": " eva ", "text": "Yes,  sir.", "emotion": "sad", "level": 2, "style": "dialect",
        "speed": "slow1", "language": "de", "pause": 0.4, "overlap": 0,
        "tool_call": {"name": "clock", "arguments": {"zone": "Østfold"}}, "origin": origin,
    }  # fmt: skip
    assert turn_of(fields) == Turn(
        role="assistant", speaker="eva", text="Yes, sir.", emotion="sad", level=2, style="dialect", speed="slow1",
        language="de", pause=0.4, overlap=0.0, tool_call='{"name": "clock", "arguments": {"zone": "Østfold"}}',
        origin=Origin(writer="chat", version="2", seed=7, model="qwen"),
    )  # fmt: skip


def test_a_role_is_the_speaker_of_a_turn_without_one_and_user_is_human() -> None:
    assert turn_of({"role": "user", "text": "hm"}) == Turn(speaker="human", role="human", text="hm")


def test_json_text_and_json_are_the_same_call() -> None:
    call = {"name": "clock", "arguments": {}}
    assert turn_of({"role": "assistant", "tool_call": call}) == turn_of(
        {"role": "assistant", "tool_call": '{"name":"clock","arguments":{}}'}
    )


def test_tags_set_fields_and_may_agree_with_them() -> None:
    expected = Turn(speaker="a", text="Hello.", emotion="happy", level=3, speed="fast1")
    assert turn_of({"speaker": "a", "text": "(happy3)(fast1) Hello."}) == expected
    assert turn_of({"speaker": "a", "text": "(happy3)(fast1) Hello.", "emotion": "happy", "level": 3}) == expected


def test_a_turn_has_the_dialogues_origin_unless_it_has_its_own() -> None:
    turns = [{"speaker": "a", "text": "x"}, {"speaker": "a", "text": "x", "origin": {"writer": "me"}}]
    assert [t.origin.writer for t in turns_of(turns, Origin(writer="them"))] == ["them", "me"]


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"emotoin": "sad"}, "unknown field 'emotoin'; a turn has role"),
        ({"origin": {"who": "me"}}, "unknown field 'who'; an origin has writer"),
        ({"origin": {"seed": 2**63}}, "seed 9223372036854775808 is not a number of 64 bits"),
        ({"text": ["x"]}, "text is not text"),
        ({"level": 2.5}, "level 2.5 is not a whole number"),
        ({"pause": "long"}, "pause 'long' is not a number of seconds"),
        ({"tool_call": "{"}, "Expecting"),
        ({"text": "(sad2) x", "emotion": "happy"}, "its emotion is 'happy' and its tag sets 'sad'"),
        ({"text": "(sad2) x", "level": 3}, "its level is 3 and its tag sets 2"),
        ({"text": "(bored2) x"}, "unknown tag"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_wrong_field_is_refused_with_the_number_of_the_turn(fields: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault) as caught:
        turns_of([{"speaker": "a", "text": "x"}, {"speaker": "a", "text": "x", **fields}], Origin())
    assert str(caught.value).startswith("turn 2: ")


@pytest.mark.parametrize("turns", [None, 5, {}, "x"])
def test_turns_that_are_no_list_are_refused(turns: Any) -> None:
    with pytest.raises(ValueError, match="no list of turns"):
        turns_of(turns, Origin())


def test_tools_are_a_list_of_schemas() -> None:
    assert tools_of([{"name": "clock"}]) == tools_of('[{"name":"clock"}]') == '[{"name": "clock"}]'
    assert tools_of(None) == ""
    with pytest.raises(ValueError, match="tools is not a list"):
        tools_of({"name": "clock"})
