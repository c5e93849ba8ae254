"""Checks the models that a recipe trains before hours of work, and not after them.

check_models(recipe, ["pretrain"])   ->   RecipeError("training.pretrain.model: transformers has no model_type 'lama'; similar: llama")
"""

from collections.abc import Callable, Iterable

from weft.schemas.faults import RecipeError
from weft.schemas.recipe import Recipe
from weft.schemas.training import ModelSettings


def check_models(recipe: Recipe, stages: Iterable[str]) -> None:
    """Raises RecipeError where the model of a training stage cannot be made from its config, or not hold its context.

    `weft validate` does not do this: it would have to import torch.
    """
    for name in stages:
        from weft.trainer.model import check_new

        _check(recipe, name, check_new)


def check_bases(recipe: Recipe, stages: Iterable[str]) -> None:
    """Raises RecipeError where the checkpoint that a training stage starts from cannot be its model. A build does not need it."""
    from weft.trainer.model import check_base

    for name in stages:
        _check(recipe, name, check_base)


def _check(recipe: Recipe, stage: str, check: Callable[[ModelSettings, int], None]) -> None:
    """Raises RecipeError."""
    try:
        check(recipe.training[stage].model, recipe.training[stage].context)
    except ValueError as fault:
        raise RecipeError(f"training.{stage}.model: {fault}") from None
