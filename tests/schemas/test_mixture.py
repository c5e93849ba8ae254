"""What a mixture may say, and that its numbers are exact."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from weft.schemas.mixture import Mixture

AMOUNTS = st.dictionaries(st.sampled_from("abcd"), st.floats(1e-6, 1e12), min_size=1)


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({}, "give either"),
        ({"total": 10}, "give either"),
        ({"shares": {"a": 1}}, "give either"),
        ({"total": 10, "shares": {"a": 1}, "budgets": {"a": 1}}, "give either"),
        ({"total": 10, "budgets": {"a": 1}}, "give either"),
        ({"budgets": {"a": 0}}, "above 0"),
        ({"budgets": {"a": float("nan")}}, "above 0"),
        ({"budgets": {"a": float("inf")}}, "above 0"),
        ({"total": 10, "shares": {"a": -1}}, "above 0"),
        ({"total": 0, "shares": {"a": 1}}, "greater than 0"),
        ({"total": float("inf"), "shares": {"a": 1}}, "finite"),
        ({"budgets": {"a": 1}, "scale": float("inf")}, "finite"),
        ({"budgets": {"a": 1}, "exhausted": "repeat"}, "go together"),
        ({"budgets": {"a": 1}, "passes": 2}, "go together"),
        ({"budgets": {"a": 1}, "unit": "bytes"}, "'tokens'"),
        ({"budgets": {"a": 1}, "size": 3}, "Extra inputs"),
    ],
    ids=str,
)
def test_a_mixture_that_says_too_little_or_too_much_is_refused(settings: dict[str, object], wrong: str) -> None:
    with pytest.raises(ValidationError, match=wrong):
        Mixture.model_validate(settings)


@given(budgets=AMOUNTS, scale=st.floats(1e-9, 1e3))
def test_weights_and_size_are_exactly_what_is_written(budgets: dict[str, float], scale: float) -> None:
    mixture = Mixture(budgets=budgets, scale=scale)
    written = {task: Fraction(repr(amount)) for task, amount in budgets.items()}
    assert sum(mixture.weights.values()) == 1
    assert mixture.size == sum(written.values()) * Fraction(repr(scale))
    for task, amount in written.items():
        assert mixture.weights[task] * sum(written.values()) == amount


def test_a_third_is_a_third() -> None:
    mixture = Mixture(total=1e11, shares={"speech": 1, "words": 1, "text": 1}, scale=1e-6)
    assert set(mixture.weights.values()) == {Fraction(1, 3)}
    assert mixture.size == 100_000
