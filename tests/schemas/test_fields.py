"""What is wrong with a field of JSON is said in words: which field, what is in it, what it must be."""

from collections.abc import Callable
from typing import Any

import pytest

from weft.schemas.fields import Fields, WrongField, parsed


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": ', r"^it is no JSON \(character 7: Expecting value\)$"),
        ("[" * 100_000, "^its lists and objects lie too deep within each other$"),
        ('{"a": ' * 100_000, "^its lists and objects lie too deep within each other$"),
        ("1" * 5000, "^a number in it has too many digits$"),
        (b'{"a": "\xff"}', r"^it is not UTF-8 \(byte 7\)$"),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_what_is_no_json(text: str | bytes, words: str) -> None:
    with pytest.raises(WrongField, match=words):
        parsed(text)


def test_a_byte_order_mark_is_passed_over() -> None:
    assert parsed("\ufeff[1]") == parsed(b"\xef\xbb\xbf[1]") == [1]


@pytest.mark.parametrize(
    ("values", "read", "words"),
    [
        ({"a": 5}, lambda f: f.text("a"), "`a` of turn 2 is 5, and must be a text"),
        ({"a": {"b": 1}}, lambda f: f.label("a"), '`a` of turn 2 is {"b": 1}, and must be a text or a number'),
        ({"a": True}, lambda f: f.label("a"), "`a` of turn 2 is true, and must be a text or a number"),
        ({}, lambda f: f.number("a"), "`a` of turn 2 is missing, and must be a number"),
        ({"a": float("nan")}, lambda f: f.number("a"), "`a` of turn 2 is NaN, and must be a number"),
        ({"a": True}, lambda f: f.number("a"), "`a` of turn 2 is true, and must be a number"),
        ({"a": 10**400}, lambda f: f.number("a"), f"`a` of turn 2 is 1{'0' * 39}…, and must be a number"),
        ({"a": "x" * 99}, lambda f: f.entries("a"), f"`a` of turn 2 is \"{'x' * 39}…, and must be a list"),
        ({"a": [1]}, lambda f: f.object("a"), "`a` of turn 2 is [1], and must be an object with names and values"),
        ({"a": [{}, 1]}, lambda f: list(f.objects("a", "word")), "word 2 of turn 2 is 1, and must be an object with names"),
        ({"a": {"b": 5}}, lambda f: f.object("a").text("b"), "`b` of `a` of turn 2 is 5, and must be a text"),
    ],
    ids=range(11),
)  # fmt: skip
def test_a_wrong_field(values: dict[str, Any], read: Callable[[Fields], Any], words: str) -> None:
    with pytest.raises(WrongField) as caught:
        read(Fields(values=values, what="turn 2"))
    assert str(caught.value).startswith(words)


def test_what_is_right() -> None:
    fields = Fields.of({"a": "b", "n": "1.5", "i": 7, "none": None})
    assert (fields.text("a"), fields.number("n"), fields.label("i")) == ("b", 1.5, "7")
    assert (fields.text("none"), fields.number("none", 2.0), fields.label("x"), fields.entries("x")) == (
        "",
        2.0,
        "",
        [],
    )
