"""Checks what a training goes on with: stages that were begun with other settings, or from weights that will change.

check_resumed(recipe, Path("run"), {"base": 400, "sft": 200})
RecipeError: run/sft was begun with other settings: training.sft.optimiser.lr was 0.001, is now 0.002; …
"""

import json
from collections.abc import Mapping
from pathlib import Path

from weft.jobs.stale_check import check_stale
from weft.schemas.counting import counted
from weft.schemas.faults import RecipeError
from weft.schemas.recipe import Recipe
from weft.trainer import checkpoint
from weft.trainer.checkpoint import State
from weft.trainer.merging import RECORD
from weft.trainer.run_setup import decisive_settings

_OF_REWARDS = ("rewards", "reward_models")  # versions and checkpoints, compared when the stage goes on


def check_resumed(recipe: Recipe, out: Path, steps: Mapping[str, int]) -> None:
    """`steps` are those that each stage will have, of all that are trained now; merges have none.

    Raises RecipeError for a stage or a merge that was begun otherwise than the recipe says, and ValueError for a merge that is damaged.
    A state that cannot be read is not looked at: the stage sets its checkpoint aside.
    """
    states = {name: state for name in recipe.training if name in steps and (state := _state(out / name))}
    for name, state in states.items():
        _check_settings(recipe, out / name, state, steps[name])
    check_stale(recipe, out, states, steps)
    for name in recipe.merges:
        if name in steps:
            _check_merged(recipe, out / name)


def _state(folder: Path) -> State | None:
    """What the latest checkpoint of a stage says of itself; None where there is none, or it cannot be read."""
    try:
        latest = checkpoint.latest(folder)
        return State.from_json((latest / "state.json").read_text(encoding="utf-8")) if latest else None
    except (OSError, KeyError, TypeError, ValueError):
        return None


def _check_settings(recipe: Recipe, folder: Path, state: State, steps: int) -> None:
    """`folder` is that of the stage. Raises RecipeError."""
    name = folder.name
    was = {key: value for key, value in state.origin.settings.items() if key not in _OF_REWARDS}
    now = decisive_settings(recipe.training[name], rewards=(), reward_models={})
    if changed := checkpoint.changes(
        {"seed": state.origin.seed, "training": {name: was}}, {"seed": recipe.seed, "training": {name: now}}
    ):
        raise RecipeError(
            f"{folder} was begun with other settings: {changed}; give the recipe those of before, or train into a new folder"
        )
    if state.stream.step > steps:
        raise RecipeError(
            f"training.{name}.optimiser.steps asks for {counted(steps, 'step')}, and {folder} has done {state.stream.step} already: "
            "raise it, or train into a new folder"
        )


def _check_merged(recipe: Recipe, folder: Path) -> None:
    """`folder` is that of a merge, if it was made. Raises RecipeError for other parts or weights, and ValueError for a damaged one."""
    if not (folder / RECORD).is_file():
        return
    checkpoint.verify(folder)
    record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    was = {str(part["name"]): float(part["weight"]) for part in record["parts"]}
    now = recipe.merges[folder.name]
    if list(was.items()) != list(now.items()):
        then, here = (", ".join(f"{weight:g} {part}" for part, weight in parts.items()) for parts in (was, now))
        raise RecipeError(
            f"merges.{folder.name}: {folder} was made of {then}, and the recipe has {here}; remove it to merge again"
        )
