"""What a mixture may say, and that its numbers are exact."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from weft.schemas.mixture import Mixture
from weft.schemas.training import ModelSettings, TrainingStage

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


def test_a_model_starts_from_a_checkpoint_or_from_nothing() -> None:
    both = {"base": "llama", "config": {"model_type": "llama"}}
    for settings in ({}, both, {"base": "llama", "start": "align"}):
        with pytest.raises(ValidationError, match="give one of `base`"):
            ModelSettings.model_validate(settings)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"model_type": "llama", "vocab_size": 3}, "unified vocabulary"),
        ({"hidden_size": 32}, "needs a `model_type`"),
        ({"model_type": "llama", "max_position_embeddings": "many"}, "a whole number of tokens"),
    ],
)
def test_a_config_that_could_not_be_built_is_refused(config: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ModelSettings.model_validate({"config": config})


def test_a_context_beyond_the_models_positions_is_refused() -> None:
    settings = {
        "mixture": {"budgets": {"a": 1}}, "context": 100, "optimiser": {"lr": 1e-3, "batch_tokens": 200},
        "model": {"config": {"model_type": "llama", "max_position_embeddings": 64}},
    }  # fmt: skip
    with pytest.raises(ValidationError, match="the context is 100 tokens, but the model attends over 64 at most"):
        TrainingStage.model_validate(settings)


def test_a_batch_holds_whole_blocks() -> None:
    settings = {
        "mixture": {"budgets": {"a": 1}}, "context": 100, "model": {"base": "llama"},
        "optimiser": {"lr": 1e-3, "batch_tokens": 250},
    }  # fmt: skip
    with pytest.raises(ValidationError, match="multiple of `context`"):
        TrainingStage.model_validate(settings)


def test_validation_has_defaults_and_is_strict() -> None:
    stage = {
        "mixture": {"budgets": {"a": 1}}, "context": 100, "model": {"base": "llama"},
        "optimiser": {"lr": 1e-3, "batch_tokens": 200},
    }  # fmt: skip
    settings = TrainingStage.model_validate(stage).validation
    assert (settings.every, settings.samples) == (100, 256)
    for wrong in ({"every": 0}, {"samples": 0}, {"each": 3}):
        with pytest.raises(ValidationError):
            TrainingStage.model_validate({**stage, "validation": wrong})
