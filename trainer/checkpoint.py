"""Checkpoints: folders that are written whole or not at all, with everything that an exact resume needs.

run/checkpoints/step-000100/
  model.safetensors, config.json    the weights in float32, as transformers saves and loads them
  optimiser.safetensors             AdamW's moments: "lm.model.norm.weight/exp_avg" …
  state.json                        {"stream": {"draw": 48211, "offset": 0, "step": 100}, "origin": {"vocabulary": "a1f0…", …}}
  tokenizer.json, …                 the vocabulary's folder: AutoTokenizer loads it
  recipe.yaml                       the recipe as resolved
  sums.json                         the SHA-256 of each of these files, compared on resume
"""

import json
import os
import re
import shutil
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch.optim import Optimizer

from weft.schemas.disk import to_disk
from weft.schemas.faults import RecipeError
from weft.schemas.fingerprint import content, digest
from weft.trainer import sums
from weft.trainer.merging import RECORD
from weft.trainer.models.network import Network
from weft.trainer.runs import CHECKPOINTS, anew
from weft.trainer.stream import StreamState

_NAME = re.compile(r"step-(\d{6,})")


@dataclass(frozen=True)
class RunOrigin:
    """The inputs and settings of a run. Only a run with an equal origin resumes from a checkpoint.

    `start` is the fingerprint of the weights that it starts from: an earlier stage's, or those of a `base`; "" for a new model.
    `encoders` are checksums of the frozen encoders.
    """

    vocabulary: str
    index: str
    seed: int
    settings: dict[str, Any]
    start: str = ""
    encoders: dict[str, str] = field(default_factory=dict)

    def difference(self, other: "RunOrigin") -> str:
        """The differences of `other`; empty when there are none."""
        return changes(asdict(self), asdict(other))


@dataclass(frozen=True)
class State:
    """The content of `state.json`: the position in the stream, and the origin of the run."""

    stream: StreamState
    origin: RunOrigin

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "State":
        record = json.loads(text)
        return cls(stream=StreamState(**record["stream"]), origin=RunOrigin(**record["origin"]))


def changes(was: dict[str, Any], now: dict[str, Any]) -> str:
    """The keys whose values differ, with both values; "" where there are none. A key of a dict within is `outer.inner`."""
    old, new = _flat(was), _flat(now)
    changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
    return "; ".join(f"{key} was {old.get(key)}, is now {new.get(key)}" for key in changed)


def _flat(tree: dict[str, Any], path: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat.update(_flat(value, f"{path}{key}.") if isinstance(value, dict) and value else {f"{path}{key}": value})
    return flat


def folder_of(run: Path, step: int) -> Path:
    return run / CHECKPOINTS / f"step-{step:06d}"


def latest(run: Path) -> Path | None:
    """The checkpoint of the highest step; None without one. Unfinished folders of a killed writer are ignored."""
    return max(_steps(run / CHECKPOINTS).items(), default=(0, None))[1]


def _steps(folder: Path) -> dict[int, Path]:
    """The checkpoints in `folder` by step."""
    paths = folder.iterdir() if folder.is_dir() else ()
    return {int(m[1]): path for path in paths if (m := _NAME.fullmatch(path.name))}


def set_damaged_aside(run: Path, warn: Callable[[str], None]) -> None:
    """Renames checkpoints that are damaged, from the latest on until one is whole, so that a run goes on from that one.

    Raises ValueError where all are damaged, and renames none: the run would begin anew without a word.
    """
    folders = [folder for _, folder in sorted(_steps(run / CHECKPOINTS).items(), reverse=True)]
    damaged = list(takewhile(lambda found: found[1], ((folder, sums.fault(folder)) for folder in folders)))
    if damaged and len(damaged) == len(folders):
        raise ValueError(f"{run}: every checkpoint is damaged ({damaged[0][1]}); {anew(run)}")
    for folder, fault in damaged:
        aside = folder.with_name(f"damaged-{folder.name}-{uuid.uuid4().hex[:8]}")
        os.rename(folder, aside)
        warn(f"{folder} is damaged ({fault}); it was renamed to {aside.name}, and {folders[len(damaged)].name} is used")


def prune(run: Path, keep: int) -> None:
    """Removes all checkpoints but the last `keep`."""
    for _, folder in sorted(_steps(run / CHECKPOINTS).items())[:-keep]:
        shutil.rmtree(folder)


def verify(folder: Path) -> None:
    """Raises ValueError when a file of a checkpoint or a merge is damaged; the message says what makes it again."""
    if fault := sums.fault(folder):
        raise ValueError(f"{folder} is damaged: {fault}; {_remedy(folder)}")


def _remedy(folder: Path) -> str:
    if (folder / RECORD).is_file():
        return f"remove it, and `weft train --stage {folder.name}` merges again"
    again = f"`weft train --stage {folder.parents[1].name} --resume`"
    earlier = [path for _, path in sorted(_steps(folder.parent).items()) if path.name < folder.name]
    if earlier:
        return f"{again} sets it aside and goes on from {earlier[-1].name}"
    return f"remove {folder.parent}, and {again} trains that stage anew"


def read_state(folder: Path, origin: RunOrigin) -> State:
    """The state of a checkpoint.

    Raises ValueError when a file is damaged, and RecipeError when the run has another vocabulary, index, seed or other settings.
    """
    verify(folder)
    try:
        state = State.from_json((folder / "state.json").read_text(encoding="utf-8"))
    except (KeyError, TypeError, ValueError) as fault:
        raise ValueError(
            f"{folder}/state.json was written by another version of weft; to train with this one, {anew(folder.parents[1])}"
        ) from fault
    if difference := state.origin.difference(origin):
        raise RecipeError(
            f"{folder} belongs to a run of other data or settings: {difference}; to train with these, {anew(folder.parents[1])}"
        )
    return state


def weights_fingerprint(folder: Path) -> str:
    """That of a checkpoint's weights, its adaptors' included. Raises ValueError when a file of it is damaged."""
    verify(folder)
    return digest(sums.weights(folder))


def base_fingerprint(base: str) -> str:
    """That of what a `base` holds, since its folder may get another model under the same name; "" without a base.

    All its weights are read; of a name on the hub it is the commit.
    """
    return content(base, ignore=("*.md",)) if base else ""


def save(
    run: Path,
    network: Network,
    optimiser: Optimizer,
    state: State,
    recipe: str,
    files: Mapping[str, bytes] | None = None,
) -> Path:
    """Writes a checkpoint under a temporary name, syncs it to disk, and renames it. What failed on the way is removed: it would fill a
    disk that is full already.
    """
    target = folder_of(run, state.stream.step)
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target.parent)
    scratch = target.with_name(f".{target.name}.tmp-{uuid.uuid4().hex}")
    try:
        network.save(scratch)
        save_file(_moments(network, optimiser), scratch / sums.OPTIMISER)
        for name, data in (files or {}).items():
            (scratch / name).write_bytes(data)
        (scratch / "recipe.yaml").write_text(recipe, encoding="utf-8")
        (scratch / "state.json").write_text(state.to_json(), encoding="utf-8")
        sums.write(scratch)
        for path in (*scratch.iterdir(), scratch):
            to_disk(path)
        os.rename(scratch, target)
    except Exception as fault:
        kept = "what was saved before is kept, and `weft train --resume` goes on from there"
        fault.add_note(f"{target} was not written; {kept}")
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    to_disk(target.parent)
    return target


def restore_optimiser(folder: Path, network: Network, optimiser: Optimizer) -> None:
    """Restores AdamW's moments. Raises ValueError when they are not of this network."""
    parameters = dict(network.named_parameters())
    for key, tensor in load_file(folder / sums.OPTIMISER).items():
        name, _, moment = key.rpartition("/")
        if name not in parameters:
            raise ValueError(f"{folder}/{sums.OPTIMISER} has moments of {name}, which the network lacks")
        # AdamW keeps its step count on the CPU, and the moments beside the weights.
        value = tensor if moment == "step" else tensor.to(parameters[name].device)
        optimiser.state[parameters[name]][moment] = value.clone()


def _moments(network: Network, optimiser: Optimizer) -> dict[str, torch.Tensor]:
    return {
        f"{name}/{moment}": tensor.contiguous()
        for name, parameter in network.named_parameters()
        for moment, tensor in optimiser.state.get(parameter, {}).items()
    }


def _sweep(folder: Path) -> None:
    """Removes unfinished folders of killed writers."""
    for unfinished in folder.glob(".step-*.tmp-*"):
        shutil.rmtree(unfinished)
