"""Names of splits, and what may be said of a share."""

from typing import Any

import pytest
from pydantic import ValidationError

from weft.schemas.splits import HoldOut, known_split, normal


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("", ""), ("train", "train"), ("train.100", "train"), ("Training", "train"), ("dev", "validation"),
        ("dev-clean", "validation"), ("val", "validation"), ("VALIDATION", "validation"), ("test.other", "test"),
        ("evaluation", "test"), (" eval ", "test"),
    ],
)  # fmt: skip
def test_the_usual_names(name: str, split: str) -> None:
    assert normal(name, {}) == split


def test_what_a_recipe_says_of_a_name_goes_first() -> None:
    assert normal("challenge", {"challenge": "test"}) == "test"
    assert normal("train_dev", {"train_dev": "validation"}) == "validation"


def test_a_name_of_no_split_is_refused_with_those_that_exist() -> None:
    with pytest.raises(
        ValueError, match=r"split 'banana' is none of train, validation, test; map it with `splits: \{banana: test\}`"
    ):
        normal("banana", {})
    with pytest.raises(ValueError, match="'dev' is no split; there are train, validation, test"):
        known_split("dev")


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, float("nan"), "many"])
def test_a_share_lies_between_nobody_and_everybody(share: Any) -> None:
    with pytest.raises(ValidationError, match=r"greater than 0|less than 1|valid number"):
        HoldOut(speakers=share)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"speakers": 0.1, "items": 0.1}, "name one kind and its share"),
        ({}, "name one kind and its share"),
        ({"clips": 0.1}, "'clips' cannot be held out; there are speakers, recordings, items"),
    ],
)
def test_one_kind_is_named(given: dict[str, float], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        HoldOut.model_validate(given)


def test_a_share_is_read_back_as_it_was_written_out() -> None:
    given = HoldOut(recordings=0.25)
    assert (given.kind, given.share) == ("recordings", 0.25)
    assert HoldOut.model_validate(given.model_dump(mode="json")) == given
