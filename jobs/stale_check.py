"""Finds what began from weights that change: those of a stage that is trained further or anew, or that was trained anew meanwhile.

check_stale(recipe, Path("run"), states, {"base": 400, "sft": 200, "final": 0})
RecipeError: training.base is trained anew, since run/base has no checkpoint, and sft, final began from the weights that …
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from weft.schemas.faults import RecipeError
from weft.schemas.fingerprint import digest
from weft.schemas.recipe import Recipe
from weft.trainer import checkpoint, sums
from weft.trainer.checkpoint import State
from weft.trainer.merging import RECORD
from weft.trainer.runs import start_of


def check_stale(recipe: Recipe, out: Path, states: Mapping[str, State], steps: Mapping[str, int]) -> None:
    """`states` are those of the latest checkpoints that can be read, `steps` those that all that is trained now will have (a merge: 0).

    Raises RecipeError for stages and merges of these that began from weights which are others by now, or will be.
    """
    changing: dict[str, str] = {}  # with the reason
    stale: dict[str, str] = {}
    for name in (each for each in recipe.training_order if each in steps):
        reasons = (changing.get(start) or _replaced(recipe, out, name, start) for start in recipe.needs(name))
        reason = next(filter(None, reasons), "")
        if reason and _begun(out, name):
            stale[name] = reason
        if reason := reason or _unfinished(recipe, out, name, state=states.get(name), steps=steps[name]):
            changing[name] = reason
    if stale:
        folders = ", ".join(str(out / name) for name in stale)
        raise RecipeError(
            f"{next(iter(stale.values()))}, and {', '.join(stale)} began from the weights that it had before: "
            f"remove {folders} to train them again, or train into a new folder"
        )


def _begun(out: Path, name: str) -> bool:
    return bool(checkpoint.latest(out / name)) or (out / name / RECORD).is_file()


def _unfinished(recipe: Recipe, out: Path, name: str, state: State | None, steps: int) -> str:
    """Why a stage will have other weights than it has; "" where it will not. One whose state cannot be read goes on from the checkpoint
    before, to the same weights.
    """
    if name in recipe.merges:
        return ""
    if not checkpoint.latest(out / name):
        return f"training.{name} is trained anew, since {out / name} has no checkpoint"
    if state and state.stream.step < steps:
        return f"training.{name} has steps left to train"
    return ""


def _replaced(recipe: Recipe, out: Path, name: str, start: str) -> str:
    """Why `start` has other weights than those that `name` began from; "" where it has the same, or one of both cannot be told."""
    try:
        now = sums.weights(start_of(out, start))
        was = _began_from(recipe, out / name, start)
    except (OSError, KeyError, TypeError, ValueError):  # damage is told where the file is used
        return ""
    return f"{start} was trained anew" if was not in (None, now, digest(now)) else ""


def _began_from(recipe: Recipe, folder: Path, start: str) -> Any:
    """What a stage or a merge in `folder` notes of the weights of `start`: a fingerprint, or checksums by file; None where it has not
    begun. Raises OSError, KeyError, TypeError and ValueError.
    """
    if folder.name in recipe.merges:
        if not (folder / RECORD).is_file():
            return None
        parts = json.loads((folder / RECORD).read_text(encoding="utf-8"))["parts"]
        return next((part["sha256"] for part in parts if part["name"] == start), None)
    if not (latest := checkpoint.latest(folder)):
        return None
    origin = json.loads((latest / "state.json").read_text(encoding="utf-8"))["origin"]
    return origin["start"] if start in recipe.starts(folder.name) else origin["settings"]["reward_models"][start]
