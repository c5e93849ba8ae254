"""What a training stage may say of its model and its steps."""

import pytest
from pydantic import ValidationError

from weft.schemas.training import ModelSettings, TrainingStage


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
    with pytest.raises(ValidationError, match="attends over 64 at most: lower `context`, or raise `max_pos"):
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
