"""Recipes as YAML: numbers and words as people write them, and sizes that no recipe has."""

from collections.abc import Callable

import pytest

from tests.schemas.recipe_texts import LEAST, STAGE
from weft.schemas.faults import RecipeError
from weft.schemas.recipe_file import load
from weft.schemas.recipe_yaml import parse


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("1e6", 1e6), ("1.5e-6", 1.5e-6), ("3E5", 3e5), ("+1e3", 1e3), ("-2e3", -2e3), ("1_000e3", 1e6),
        ("1.0e+6", 1e6), ("24414062.5", 24414062.5), (".5", 0.5), ("7", 7),
    ],
)  # fmt: skip
def test_numbers_are_read_as_people_write_them(written: str, number: float) -> None:
    assert parse("mine.yaml", f"a: {written}").mapping == {"a": number}


@pytest.mark.parametrize("written", ["1e6x", "e6", "v1.5", "'1e6'", "1.2.3"])
def test_words_stay_words(written: str) -> None:
    assert parse("mine.yaml", f"a: {written}").mapping == {"a": written.strip("'")}


def test_a_total_in_short_form_is_the_number(write: Callable[..., str]) -> None:
    assert load(write(LEAST + STAGE)).training["pre"].mixture.size == 1_000_000


def test_aliases_that_unfold_to_billions() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 11)]
    with pytest.raises(RecipeError, match=r"r\.yaml: its aliases unfold to more than 100,000 values"):
        parse("r.yaml", "\n".join(rows))
