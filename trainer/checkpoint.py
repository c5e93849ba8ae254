"""Checkpoints: folders that stand whole or not at all, with everything a run needs to go on exactly.

run/checkpoints/step-000100/
  model.safetensors, config.json    the weights in float32, as transformers saves and loads them
  optimiser.safetensors             AdamW's moments: "model.norm.weight/exp_avg" …
  state.json                        {"stream": {"draw": 48211, "offset": 0, "step": 100}, "vocabulary": "a1f0…", …}
  recipe.yaml                       the recipe as resolved
  sums.json                         the SHA-256 of each of these files, compared before a run goes on
"""

import json
import os
import re
import shutil
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch.optim import Optimizer
from transformers import PreTrainedModel

from weft.schemas.disk import to_disk
from weft.tokenizers.models.checkpoint import quiet
from weft.trainer import sums
from weft.trainer.stream import StreamState

_NAME = re.compile(r"step-(\d{6,})")


@dataclass(frozen=True)
class Origin:
    """What a run is made of. A checkpoint goes on only in a run with an equal origin."""

    vocabulary: str
    index: str
    seed: int
    settings: dict[str, Any]

    def difference(self, other: "Origin") -> str:
        """Says where `other` differs; empty when it does not."""
        ours, theirs = _flat(asdict(self)), _flat(asdict(other))
        changed = sorted(key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key))
        return "; ".join(f"{key} was {ours.get(key)}, is now {theirs.get(key)}" for key in changed)


@dataclass(frozen=True)
class State:
    """What `state.json` holds: where the stream goes on, and what the run is made of."""

    stream: StreamState
    origin: Origin

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "State":
        record = json.loads(text)
        return cls(StreamState(**record["stream"]), Origin(**record["origin"]))


def _flat(tree: dict[str, Any], path: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat.update(_flat(value, f"{path}{key}.") if isinstance(value, dict) and value else {f"{path}{key}": value})
    return flat


def folder_of(run: Path, step: int) -> Path:
    return run / "checkpoints" / f"step-{step:06d}"


def latest(run: Path) -> Path | None:
    """The checkpoint of the highest step; None before the first. What a killed writer left is never one."""
    return max(_steps(run / "checkpoints").items(), default=(0, None))[1]


def _steps(folder: Path) -> dict[int, Path]:
    """The checkpoints in `folder` by step."""
    paths = folder.iterdir() if folder.is_dir() else ()
    return {int(m[1]): path for path in paths if (m := _NAME.fullmatch(path.name))}


def verify(folder: Path) -> None:
    """Raises ValueError when a file of a checkpoint is not as it was written; says which checkpoint is before it."""
    if not (fault := sums.fault(folder)):
        return
    steps = [path for _, path in sorted(_steps(folder.parent).items())]
    earlier = steps[: steps.index(folder)]
    remedy = f"go on from {earlier[-1].name}, the checkpoint before it" if earlier else "start the run again"
    raise ValueError(f"{folder} is damaged: {fault}; remove this folder to {remedy}")


def read_state(folder: Path, origin: Origin) -> State:
    """The state of a checkpoint whose files are as they were written.

    Raises ValueError when they are not, or when it was of another vocabulary, index, seed or settings.
    """
    verify(folder)
    try:
        state = State.from_json((folder / "state.json").read_text(encoding="utf-8"))
    except (KeyError, TypeError, ValueError) as fault:
        raise ValueError(f"{folder}/state.json is of another version of weft; train into a new folder") from fault
    if difference := state.origin.difference(origin):
        raise ValueError(f"{folder} is of another run: {difference}; train into a new folder")
    return state


def save(run: Path, model: PreTrainedModel, optimiser: Optimizer, state: State, recipe: str) -> Path:
    """Writes a checkpoint under a temporary name, brings it to disk, and gives it its name."""
    target = folder_of(run, state.stream.step)
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target.parent)
    scratch = target.with_name(f".{target.name}.tmp-{uuid.uuid4().hex}")
    with quiet():
        model.save_pretrained(scratch, max_shard_size="1TB")
    save_file(_moments(model, optimiser), scratch / "optimiser.safetensors")
    (scratch / "recipe.yaml").write_text(recipe, encoding="utf-8")
    (scratch / "state.json").write_text(state.to_json(), encoding="utf-8")
    sums.write(scratch)
    for path in (*scratch.iterdir(), scratch):
        to_disk(path)
    os.rename(scratch, target)
    to_disk(target.parent)
    return target


def restore_optimiser(folder: Path, model: PreTrainedModel, optimiser: Optimizer) -> None:
    """Puts the moments of a checkpoint back. Raises ValueError when they are not of this model."""
    named = dict(model.named_parameters())
    for key, tensor in load_file(folder / "optimiser.safetensors").items():
        name, _, moment = key.rpartition("/")
        if name not in named:
            raise ValueError(f"{folder}/optimiser.safetensors has moments of {name}, which the model lacks")
        # AdamW keeps its step count on the CPU, and the moments beside the weights.
        place = tensor if moment == "step" else tensor.to(named[name].device)
        optimiser.state[named[name]][moment] = place.clone()


def _moments(model: PreTrainedModel, optimiser: Optimizer) -> dict[str, torch.Tensor]:
    return {
        f"{name}/{moment}": tensor.contiguous()
        for name, parameter in model.named_parameters()
        for moment, tensor in optimiser.state.get(parameter, {}).items()
    }


def _sweep(folder: Path) -> None:
    for left in folder.glob(".step-*.tmp-*"):
        shutil.rmtree(left)
