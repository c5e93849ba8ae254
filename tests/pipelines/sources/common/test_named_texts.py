"""Named texts: the known keys of a line, any within `fields`, and what is wrong with them."""

from typing import Any

import pytest

from weft.pipelines.sources.common.named_texts import NAMES, named_texts
from weft.schemas.audio import Field
from weft.schemas.fields import Fields, WrongField
from weft.schemas.ledger import Unusable


def named(**line: Any) -> tuple[Field, ...]:
    return named_texts(Fields(values=line))


def test_every_known_key_and_any_other_within_fields() -> None:
    made = named(**{name: f"a {name}" for name in NAMES}, text="t", other="o", fields={"hint": "loud\r\n now "})
    assert made == (*(Field(name, f"a {name}") for name in NAMES), Field("hint", "loud\n now"))


def test_what_is_empty_or_null_is_none() -> None:
    assert named(question="", answer=None, caption=" \n", fields=None) == ()


def test_tools_may_be_the_json_itself() -> None:
    assert named(tools=[{"name": "weather"}]) == named(tools='[{"name": "weather"}]')


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"answer": 42}, "`answer` is 42, and must be a text"),
        ({"question": ["a"]}, '`question` is ["a"], and must be a text'),
        ({"fields": {"hint": {}}}, "`hint` of `fields` is {}, and must be a text"),
        ({"fields": "a"}, '`fields` is "a", and must be an object with names and values'),
        ({"answer": "a", "fields": {"answer": "b"}}, '`answer` of `fields` is "b", and must be given once'),
    ],
)
def test_what_is_no_text_is_named_by_its_key(line: dict[str, Any], message: str) -> None:
    with pytest.raises(WrongField, match="^" + message.replace("[", r"\[").replace("{", r"\{")):
        named(**line)


def test_equal_answers_are_refused() -> None:
    with pytest.raises(Unusable) as fault:
        named(chosen="Yes.", rejected=" Yes.\n")
    assert fault.value.reason == "equal_answers"
    assert len(named(chosen="Yes.", rejected="No.")) == 2
