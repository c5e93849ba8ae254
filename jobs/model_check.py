"""Checks the models that a recipe trains before a corpus is built for them, and not after hours of that.

check_models(recipe, ["pretrain"])   ->   RecipeError("training.pretrain.model: transformers has no model_type 'lama'; similar: llama")
"""

from collections.abc import Iterable

from weft.schemas.faults import RecipeError
from weft.schemas.recipe import Recipe
from weft.schemas.training import ModelSettings


def check_models(recipe: Recipe, stages: Iterable[str]) -> None:
    """Raises RecipeError where the model of a training stage, or of the stage that it started from at first, cannot be made from its
    config, or not hold its context.

    `weft validate` does not do this: it would have to import torch.
    """
    for name in stages:
        from weft.trainer.model import check_new

        try:
            check_new(_first_model(recipe, name), recipe.training[name].context)
        except ValueError as fault:
            raise RecipeError(f"training.{name}.model: {fault}") from None


def _first_model(recipe: Recipe, name: str) -> ModelSettings:
    """The model at the root of what a stage starts from; of a merge, that of its first part."""
    while starts := recipe.starts(name):
        name = starts[0]
    return recipe.training[name].model
