"""What a recipe may name."""

import re

import pytest
from pydantic import ValidationError

from weft.schemas.recipe import Choice, Recipe

LEAST = {
    "name": "r",
    "sources": {"books": {"use": "text", "path": "p"}},
    "tokenizers": {"hubert": {"use": "hubert"}},
    "tasks": {"text": {"use": "text", "sources": ["books"]}},
}
STAGE = {
    "mixture": {"total": 10, "shares": {"text": 1}}, "context": 8, "model": {"base": "b"},
    "optimiser": {"lr": 1e-3, "batch_tokens": 8},
}  # fmt: skip


def test_the_least_recipe_has_every_default() -> None:
    recipe = Recipe.model_validate(LEAST)
    assert (recipe.seed, recipe.part_size, recipe.segment.use, recipe.text.use) == (1, 1000, "silero", "bpe")


def test_a_choice_keeps_the_settings_of_its_backend() -> None:
    choice = Choice.model_validate({"use": "text", "path": "p", "longest": 300})
    assert (choice.use, choice.settings) == ("text", {"path": "p", "longest": 300})


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"tasks": {"text": {"use": "text", "sources": ["boks"]}}}, "tasks.text.sources: 'boks' is not declared"),
        ({"tasks": {"text": {"use": "text", "sources": []}}}, "at least 1 item"),
        ({"tokenizers": {"hubert": {"use": "h", "sources": ["x"]}}}, "tokenizers.hubert.sources: 'x' is not declared"),
        ({"text": {"use": "bpe", "sources": ["x"]}}, "text.sources: 'x' is not declared; there are books"),
        ({"training": {"pre": {**STAGE, "mixture": {"budgets": {"word": 1}}}}}, "training.pre.mixture: 'word' is not"),
        ({"sources": {"Books": {"use": "text"}}}, "'Books' is no name"),
        ({"sources": {"a" * 17: {"use": "text"}}}, "is no name"),
        ({"sources": {"a.b": {"use": "text"}}}, "is no name"),
        ({"sources": {}}, "at least 1 item"),
        ({"sources": {"books": {"path": "p"}}}, "Field required"),
        (
            {"vocabulary": {"tokens": [{"codes": "h", "modality": "audio"}]}},
            "a marker has a `modality`; codes are always",
        ),
        ({"vocabulary": {"tokens": [{"codes": "h", "literal": "[H]"}]}}, "a marker has a `literal`, such as"),
        ({"part_size": 0}, "greater than or equal to 1"),
        ({"extra": 1}, "Extra inputs"),
    ],
    ids=str,
)
def test_names_must_be_plain_and_declared(change: dict[str, object], wrong: str) -> None:
    with pytest.raises(ValidationError, match=wrong):
        Recipe.model_validate({**LEAST, **change})


JUDGE = {"objective": {"use": "reward"}, "model": {"start": "rl"}}
RL = {
    "objective": {"use": "grpo", "prompts": 2, "rewards": ["label", {"use": "learned", "stage": "judge"}]},
    "optimiser": {"lr": 1e-3}, "context": 512,
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"training": {"a": {**STAGE, "model": {"start": "a"}}}}, "^training.a.model.start: a -> a goes in a circle"),
        (
            {"training": {"t": STAGE}, "merges": {"a": {"b": 1, "t": 1}, "b": {"a": 1, "t": 1}}},
            "^merges.a: a -> b -> a goes in a circle",
        ),
        (
            {"training": {"rl": {**STAGE, **RL}, "judge": {**STAGE, **JUDGE}}},
            r"^training.rl.objective.rewards.1.stage: rl -> judge -> rl goes in a circle",
        ),
    ],
    ids=["itself", "merges", "reward model"],
)
def test_a_circle_is_named_by_the_key_that_closes_it(change: dict[str, object], wrong: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Recipe.model_validate({**LEAST, **change})
    (fault,) = caught.value.errors()
    assert re.match(wrong, fault["msg"].removeprefix("Value error, ")), fault["msg"]
