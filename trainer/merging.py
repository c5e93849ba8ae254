"""The weighted mean of the weights of several checkpoints, tensor by tensor: one tensor of each is in memory at a time.

    merge({Path("run/sft-1/checkpoints/step-000300"): 5, Path("run/dpo/checkpoints/step-000040"): 1}, Path("run/final"))
    run/final/model.safetensors, config.json, …
    run/final/merge.json    {"parts": [{"name": "sft-1", "checkpoint": "sft-1/checkpoints/step-000300", "weight": 5, "sha256": …}, …]}

(5 · sft-1 + 5 · sft-2 + 1 · dpo) / 11 is Step-Audio-AQAA's last step. The mean is taken in float64 and kept in the tensor's own type.
"""

import glob
import json
import os
import shutil
import struct
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from math import prod
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from weft.schemas.disk import to_disk
from weft.schemas.faults import RecipeError
from weft.schemas.vocabulary import Vocabulary
from weft.trainer import sums

RECORD = "merge.json"
_OF_THE_RUN = ("optimiser.safetensors", "critic.safetensors")  # of no use after the stage
_LENGTH = struct.Struct("<Q")
_TYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


def merge(parts: Mapping[Path, float], target: Path) -> Path:
    """Writes the merge of the checkpoints in `parts`, by their weights, to the folder `target`, which appears whole or not at all.

    All else is the first one's. Raises ValueError for checkpoints that are damaged or of unlike configs, vocabularies or shapes, and
    for a target that is there already.
    """
    folders = list(parts)
    if target.exists():
        raise ValueError(f"{target} is there already; name a new folder")
    _check_alike(folders)
    for unfinished in target.parent.glob(f".{glob.escape(target.name)}.tmp-*"):  # of a killed merge
        shutil.rmtree(unfinished)
    scratch = target.with_name(f".{target.name}.tmp-{uuid.uuid4().hex}")
    scratch.mkdir(parents=True)
    try:
        for file in sorted(folders[0].glob("*.safetensors")):
            if file.name not in _OF_THE_RUN:
                _merge_file(file.name, parts, scratch / file.name)
        for name in _others(folders[0]):
            shutil.copyfile(folders[0] / name, scratch / name)
        (scratch / RECORD).write_text(json.dumps(_record(parts, target.parent), indent=1) + "\n", encoding="utf-8")
        sums.write(scratch)
        for path in (*scratch.iterdir(), scratch):
            to_disk(path)
        os.rename(scratch, target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    to_disk(target.parent)
    return target


def check_merge(folder: Path, parts: Mapping[Path, float]) -> None:
    """Raises ValueError for a merge that is damaged, and RecipeError for one of other checkpoints or weights."""
    if fault := sums.fault(folder):
        raise ValueError(f"{folder} is damaged: {fault}; remove it to merge again")
    record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    if [_made_from(part) for part in record["parts"]] != [
        _made_from(part) for part in _record(parts, folder.parent)["parts"]
    ]:
        raise RecipeError(f"{folder} is a merge of other checkpoints or weights; remove it to merge again")


def _record(parts: Mapping[Path, float], run: Path) -> dict[str, Any]:
    """What `merge.json` holds of each checkpoint: its stage or folder, its place in the folder `run` of the merge (or its whole path),
    its weight, and the SHA-256 of each of its files of weights.
    """
    return {
        "parts": [
            {"name": _name(folder), "checkpoint": _place(folder, run), "weight": weight, "sha256": sums.weights(folder)}
            for folder, weight in parts.items()
        ]
    }


def _made_from(part: dict[str, Any]) -> tuple[float, dict[str, str]]:
    """What of a part decides the merged weights: not its place, since folders may be moved."""
    return part["weight"], part["sha256"]


def _name(checkpoint: Path) -> str:
    """The stage of a checkpoint; else its folder."""
    whole = checkpoint.resolve()
    return whole.parents[1].name if whole.parent.name == "checkpoints" else whole.name


def _place(checkpoint: Path, run: Path) -> str:
    whole, root = checkpoint.resolve(), run.resolve()
    return whole.relative_to(root).as_posix() if whole.is_relative_to(root) else str(whole)


def _check_alike(folders: list[Path]) -> None:
    """Raises ValueError."""
    first, *others = (_checked(folder) for folder in folders)
    for folder, other in zip(folders[1:], others, strict=True):
        if changed := sorted(key for key in first.keys() | other.keys() if first.get(key) != other.get(key)):
            key = changed[0]
            raise ValueError(
                f"{folders[0]} and {folder} cannot be merged: {key} is {first.get(key)} and {other.get(key)}"
            )


def _checked(folder: Path) -> dict[str, Any]:
    """The config of a checkpoint, which files of weights it has, and its vocabulary."""
    if not (folder / "config.json").is_file():
        raise ValueError(f"{folder} holds no checkpoint")
    if fault := sums.fault(folder):
        raise ValueError(f"{folder} is damaged: {fault}")
    if (folder / "score.safetensors").is_file():
        raise ValueError(f"{folder} is a reward model, which gives scores and no text: it cannot be merged")
    weights = sorted(file.name for file in folder.glob("*.safetensors") if file.name not in _OF_THE_RUN)
    config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return {**config, "files": weights, "vocabulary": _vocabulary(folder)}


def _vocabulary(folder: Path) -> str:
    """The fingerprint of a checkpoint's vocabulary; "" where it does not say one."""
    file = folder / "vocabulary.json"
    return Vocabulary.from_json(file.read_text(encoding="utf-8")).fingerprint if file.is_file() else ""


def _others(folder: Path) -> Iterator[str]:
    """The files besides weights and what belongs to the run that wrote them."""
    for path in sorted(folder.iterdir()):
        if (
            path.is_file()
            and path.suffix != ".safetensors"
            and path.name not in ("state.json", "recipe.yaml", RECORD, sums.NAME)
        ):
            yield path.name


def _merge_file(name: str, parts: Mapping[Path, float], target: Path) -> None:
    with ExitStack() as stack, open(target, "wb") as out:
        try:
            opened = [(stack.enter_context(safe_open(folder / name, "pt")), weight) for folder, weight in parts.items()]
        except (SafetensorError, OSError) as fault:
            raise ValueError(f"{name} of a checkpoint cannot be read ({fault})") from None
        header = _header(parts, [file for file, _ in opened])
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        out.write(_LENGTH.pack(len(text)) + text)
        total = sum(weight for _, weight in opened)
        for key in (key for key in header if key != "__metadata__"):
            mean = sum(file.get_tensor(key).double() * (weight / total) for file, weight in opened)
            assert isinstance(mean, torch.Tensor)
            own = mean.to(_TYPES[header[key]["dtype"]])
            out.write(own.reshape(-1).view(torch.uint8).numpy().tobytes())


def _header(parts: Mapping[Path, float], files: list[Any]) -> dict[str, Any]:
    """The header of the merged file. Raises ValueError for tensors that differ in name, shape or type."""
    folders = list(parts)
    shapes = [
        {key: (file.get_slice(key).get_shape(), file.get_slice(key).get_dtype()) for key in file.keys()}  # noqa: SIM118 - it is no mapping
        for file in files
    ]
    for folder, other in zip(folders[1:], shapes[1:], strict=True):
        for key in sorted(shapes[0].keys() | other.keys()):
            if shapes[0].get(key) != other.get(key):
                raise ValueError(
                    f"{folders[0]} and {folder} cannot be merged: {key} is {shapes[0].get(key)} and {other.get(key)}"
                )
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for key, (shape, kind) in sorted(shapes[0].items()):
        if kind not in _TYPES:
            raise ValueError(f"{folders[0]}: {key} is of the type {kind}, of which there is no mean")
        end = at + prod(shape) * _TYPES[kind].itemsize
        header[key] = {"dtype": kind, "shape": shape, "data_offsets": [at, end]}
        at = end
    return header
