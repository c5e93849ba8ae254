"""`weft merge`: the weighted mean of checkpoints that are named by hand."""

from collections.abc import Sequence
from pathlib import Path

from weft.jobs.commands import console
from weft.schemas.faults import RecipeError
from weft.trainer.merging import merge
from weft.trainer.runs import ended, start_of


def run_merge(parts: Sequence[str], out: Path) -> None:
    """Each part is `FOLDER=WEIGHT`, of a checkpoint or of a stage that has ended. Raises RecipeError for what is no such part."""
    named = dict(map(_part, parts))
    if len(named) < 2:
        raise RecipeError("weft merge: name at least two checkpoints, such as run/sft-1=5 run/dpo=1")
    try:
        folder = merge(named, out)
    except ValueError as fault:
        raise RecipeError(f"weft merge: {fault}") from None
    total = sum(named.values())
    shares = ", ".join(f"{weight / total:.2%} {path}" for path, weight in named.items())
    console.print(f"{folder}: {shares}", highlight=False)


def _part(text: str) -> tuple[Path, float]:
    folder, sign, weight = text.rpartition("=")
    try:
        share = float(weight)
    except ValueError:
        share = 0.0
    if not sign or not 0 < share < float("inf"):
        raise RecipeError(f"weft merge: {text!r}: write each checkpoint with its weight above 0, such as run/sft-1=5")
    path = Path(folder)
    return (start_of(path.parent, path.name) if ended(path.parent, path.name) else path), share
