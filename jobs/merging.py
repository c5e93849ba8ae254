"""`weft merge`: the weighted mean of checkpoints that are named by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from weft.jobs.commands import console
from weft.schemas.faults import RecipeError
from weft.trainer.checkpoint import latest, verify
from weft.trainer.merging import merge
from weft.trainer.runs import CHECKPOINTS, ended, start_of


@dataclass(frozen=True, slots=True)
class _Part:
    """A checkpoint, how the command line names it, and its weight."""

    named: str
    checkpoint: Path
    weight: float


def run_merge(parts: Sequence[str], out: Path) -> None:
    """Each part is `FOLDER=WEIGHT`, of a checkpoint or of a stage that has ended. Raises RecipeError for what is no such part, and for
    a checkpoint that is named twice; ValueError for a damaged checkpoint of a run.
    """
    given = [_part(text) for text in parts]
    _check_each_once(given)
    if len(given) < 2:
        raise RecipeError("weft merge: name at least two checkpoints, such as run/sft-1=5 run/dpo=1")
    for part in given:
        _check_part(part)
    try:
        folder = merge({part.checkpoint: part.weight for part in given}, out)
    except ValueError as fault:
        raise RecipeError(f"weft merge: {fault}") from None
    total = sum(part.weight for part in given)
    shares = ", ".join(f"{part.weight / total:.2%} {part.checkpoint}" for part in given)
    console.print(f"{folder}: {shares}", highlight=False)


def _check_each_once(parts: Sequence[_Part]) -> None:
    """Raises RecipeError: the weights of a checkpoint that is named twice may be meant as a sum, or one of them by mistake."""
    seen: set[Path] = set()
    for part in parts:
        place = part.checkpoint.resolve()
        if place in seen:
            raise RecipeError(f"weft merge: {part.named} is named twice; give each checkpoint one weight")
        seen.add(place)


def _check_part(part: _Part) -> None:
    """Raises RecipeError for a stage that was not trained to its end, and ValueError for a damaged checkpoint or merge of a run."""
    folder = part.checkpoint
    if last := latest(folder):
        further = f"train it further (`weft train --stage {folder.name} --resume`)"
        raise RecipeError(
            f"weft merge: {part.named} was not trained to its end; {further}, or name one of its checkpoints: {last}"
        )
    if folder.parent.name == CHECKPOINTS or ended(folder.parent, folder.name):
        verify(folder)


def _part(text: str) -> _Part:
    folder, sign, weight = text.rpartition("=")
    try:
        share = float(weight)
    except ValueError:
        share = 0.0
    if not sign or not 0 < share < float("inf"):
        raise RecipeError(f"weft merge: {text!r}: write each checkpoint with its weight above 0, such as run/sft-1=5")
    path = Path(folder)
    checkpoint = start_of(path.parent, path.name) if ended(path.parent, path.name) else path
    return _Part(named=folder, checkpoint=checkpoint, weight=share)
