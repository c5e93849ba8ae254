"""Checks the networks of a training's stages before the first one begins: models that cannot be, groups that they lack, merges of
unlike shapes. No corpus is needed.

check_networks(pipeline, WeightLines(recipe=recipe, out=Path("run"), names=("base", "sft", "final")))
RecipeError: training.sft.trainable names 'adaptor', and this model has no such weights; it has embeddings, lm, head
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from weft.jobs.training_encoders import latents_of
from weft.pipelines.graph import Pipeline
from weft.schemas.faults import RecipeError
from weft.schemas.recipe import Recipe
from weft.schemas.training import ModelSettings
from weft.trainer.checkpoint import verify
from weft.trainer.model import check_context, config_of
from weft.trainer.models.groups import lacking
from weft.trainer.models.outline import outline, unlike
from weft.trainer.run_setup import device_of
from weft.trainer.runs import start_of

_SHOWN = 3


@dataclass(frozen=True)
class LineModel:
    """The model of one stage on the way of weights; `where` is its key in the recipe, or the folder of a checkpoint of this run."""

    where: str
    settings: ModelSettings


@dataclass(frozen=True)
class WeightLines:
    """Where the weights of stages and merges come from. `names` are trained now; what has ended before is a checkpoint in `out`."""

    recipe: Recipe
    out: Path
    names: Sequence[str]

    def of(self, name: str) -> tuple[LineModel, ...]:
        """The models from the first stage to this one; of a merge those of its first part. Raises ValueError."""
        if name not in self.names:
            folder = str(start_of(self.out, name))
            return (LineModel(where=folder, settings=ModelSettings(base=folder)),)
        before = self.of(starts[0]) if (starts := self.recipe.starts(name)) else ()
        if name in self.recipe.merges:
            return before
        return (*before, LineModel(where=f"training.{name}.model", settings=self.recipe.training[name].model))

    def config(self, name: str) -> Any:
        """The config that the LM of a stage or a merge will have. Raises ValueError for one that cannot be."""
        return config_of([model.settings for model in self.of(name)])


def check_networks(pipeline: Pipeline, lines: WeightLines) -> None:
    """Raises RecipeError with the key of what cannot be: a model, its context, its device, a group of weights, a merge; ValueError for
    a damaged checkpoint of this run that a stage or a merge needs.
    """
    for earlier in sorted({start for name in lines.names for start in pipeline.recipe.needs(name)} - set(lines.names)):
        verify(start_of(lines.out, earlier))
    for name in lines.names:
        if name in pipeline.recipe.merges:
            _check_merge(lines, name)
        else:
            _check_stage(pipeline, lines, name)


def _check_stage(pipeline: Pipeline, lines: WeightLines, name: str) -> None:
    recipe, stage = pipeline.recipe, pipeline.recipe.training[name]
    _check_context(lines, name, stage.context, f"training.{name}.model: ")
    for judge in (needed for needed in recipe.needs(name) if needed not in recipe.starts(name)):
        _check_context(lines, judge, stage.context, f"training.{name}.objective.rewards: the reward model of {judge}: ")
    try:
        network = outline(lines.config(name), stage.objective, latents_of(pipeline))
    except ValueError as fault:
        raise RecipeError(f"training.{name}.model: {fault}") from None
    if lacks := lacking(network, stage.trainable):
        raise RecipeError(f"training.{name}.trainable {lacks}")
    try:
        device_of(stage)
    except RecipeError as fault:
        raise RecipeError(f"training.{name}: {fault}") from None


def _check_context(lines: WeightLines, name: str, context: int, said: str) -> None:
    """Raises RecipeError, which begins as is `said`."""
    try:
        check_context(lines.config(name), context)
    except ValueError as fault:
        raise RecipeError(f"{said}{fault}") from None


def _check_merge(lines: WeightLines, name: str) -> None:
    """Raises RecipeError for parts whose LMs have other configs, with the keys of the recipe first."""
    for one, other in pairwise(lines.recipe.merges[name]):
        differing = unlike([lines.config(one), lines.config(other)])
        both = lines.of(one), lines.of(other)
        declared = {key for line in both for model in line for key in (*model.settings.config, "rope_theta")}
        keys = sorted(differing, key=lambda key: (key not in declared, key))[:_SHOWN]
        if keys:
            phrases = (_phrase(key, differing[key], both) for key in keys)
            raise RecipeError(
                f"merges.{name}: {one} and {other} are of unlike shapes: {', '.join(phrases)}; a merge takes the mean of "
                "the weights of models of one shape"
            )


def _phrase(key: str, values: Sequence[Any], lines: Sequence[Sequence[LineModel]]) -> str:
    each = (f"{value} ({_where(line, key)})" for value, line in zip(values, lines, strict=True))
    return f"{key} is {' and '.join(each)}"


def _where(line: Sequence[LineModel], key: str) -> str:
    """Which model of a line says a key of its config."""
    later = [model.where for model in line if key == "rope_theta" and model.settings.rope_theta is not None]
    return (later or [line[0].where])[-1]
