"""Step-Audio's inline tags set the fields of a turn; none is ever read out."""

import pytest

from weft.pipelines.sources.common.tags import read_tags


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("（高兴1）Hello (again).", {"emotion": "happy", "level": 1}),
        ("(happy1)Hello (again).", {"emotion": "happy", "level": 1}),
        (" ( Angry 5 ) Hello (again).", {"emotion": "angry", "level": 5}),
        ("(sad3)(slow2) Hello (again).", {"emotion": "sad", "level": 3, "speed": "slow2"}),
        ("(fast1)（撒娇4） Hello (again).", {"speed": "fast1", "emotion": "coquettish", "level": 4}),
        ("(RAP) Hello (again).", {"style": "rap"}),
        ("（哼唱）Hello (again).", {"style": "humming"}),
        ("(dialect)(快速2) Hello (again).", {"style": "dialect", "speed": "fast2"}),
        ("Hello (again).", {}),
    ],
)
def test_tags_before_the_text_are_fields(text: str, fields: dict[str, str | int]) -> None:
    assert read_tags(text) == ("Hello (again).", fields)


@pytest.mark.parametrize(
    "text",
    ["(at last) she came", "(1984) a year", "(room 12) here", "he is (happy) now", "I (rap) a lot", "", "(", "()"],
)
def test_other_brackets_are_text(text: str) -> None:
    assert read_tags(text) == (text, {})


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("(happy6) no", r"\(happy6\) needs a number, 1 to 5"),
        ("(happy0) no", "needs a number, 1 to 5"),
        ("(happy) no", "needs a number, 1 to 5"),
        ("(fast3) no", "needs a number, 1 to 2"),
        ("(rap2) no", "needs no number"),
        ("(joyful3) no", r"unknown tag \(joyful3\); known: happy, angry"),
        ("(happy1)(sad1) no", "sets the emotion again"),
        ("I am (happy3) now", "stands within the text: begin a new turn"),
    ],
)
def test_a_wrong_tag_is_refused(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        read_tags(text)
