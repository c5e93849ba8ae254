"""What a tokenizer learned, and the two files that hold it: the same format for every tokenizer.

model.safetensors    every tensor: weights, and centroids
config.json          {"format": 2, "settings": {"rate": 12.5, "size": 64, …}, "learned": {"speakers": {"s1": 121.3}, "spread": 30.1}}
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError

from weft.schemas.fingerprint import digest
from weft.schemas.settings import Settings
from weft.schemas.small_json import read_json

if TYPE_CHECKING:  # torch takes seconds, which a recipe's check does not need
    import torch

    Tensors = Mapping[str, torch.Tensor]

FORMAT = 2  # 1 had `known.json` and `settings.json`, and a HuBERT's files were those of transformers
WEIGHTS, CONFIG = "model.safetensors", "config.json"
_OLD = "settings.json"  # in every folder of format 1


@dataclass(frozen=True)
class Learned:
    """`tensors` by name, and `facts` that are no tensors, such as speakers' means. `checksum` is over both, once they are loaded."""

    tensors: "Tensors"
    facts: Mapping[str, Any] = field(default_factory=dict)
    checksum: str = ""

    def part(self, name: str) -> "dict[str, torch.Tensor]":
        """The tensors called `name.…`, without that prefix."""
        return {n.removeprefix(f"{name}."): tensor for n, tensor in self.tensors.items() if n.startswith(f"{name}.")}

    def centroids(self, folder: Path, size: int, width: int) -> np.ndarray:
        """The table `centroids`, float32 [size, width]. Raises ValueError where it is none, or not finite."""
        table = self.tensors["centroids"].numpy() if "centroids" in self.tensors else np.zeros((0, 0), np.float32)
        if table.shape != (size, width):
            shapes = f"centroids {list(table.shape)}, but [size, width] is {[size, width]}"
            raise ValueError(f"{folder}: its model has other settings ({shapes})")
        if table.dtype != np.float32 or not np.isfinite(table).all():
            raise ValueError(f"{folder}: its centroids are not all finite numbers of 32 bits")
        return np.asarray(table)


def prefixed(name: str, tensors: "Tensors") -> "dict[str, torch.Tensor]":
    """The inverse of `Learned.part`."""
    return {f"{name}.{n}": tensor for n, tensor in tensors.items()}


def save(folder: Path, settings: Settings, learned: Learned) -> None:
    """Writes both files."""
    from safetensors.torch import save_file

    save_file({name: tensor.contiguous() for name, tensor in learned.tensors.items()}, folder / WEIGHTS)
    write_config(folder, settings.model_dump(mode="json"), learned.facts)


def load(folder: Path) -> Learned:
    """Raises ValueError for a folder that holds no trained model, or one of another format."""
    from safetensors.torch import load_file

    facts = read_config(folder)["learned"]
    try:
        tensors = load_file(folder / WEIGHTS)
        sums = {name: blake2b(tensor.numpy().tobytes()).hexdigest() for name, tensor in sorted(tensors.items())}
    except (
        OSError,
        SafetensorError,
        ValueError,
        TypeError,
    ) as error:  # TypeError: a type without a numpy array, such as bfloat16
        raise ValueError(f"{folder}: no model here; train one first ({first_line(error)})") from None
    return Learned(tensors=tensors, facts=facts, checksum=digest([sums, facts])[:16])


def write_config(folder: Path, settings: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    config = {"format": FORMAT, "settings": dict(settings), "learned": dict(facts)}
    (folder / CONFIG).write_text(json.dumps(config, indent=1, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")


def read_config(folder: Path) -> dict[str, Any]:
    """`settings` and `learned` of a trained folder. Raises ValueError where there are none, or they are of another format."""
    try:
        config = read_json(folder / CONFIG)
    except (OSError, ValueError) as error:
        config = first_line(error)
    version = config.get("format") if isinstance(config, dict) else None
    if version is None and (folder / _OLD).exists():
        version = 1
    if version not in (None, FORMAT):
        raise ValueError(
            f"{folder}: this tokenizer is of format {version}, weft now reads format {FORMAT}: train it again"
        )
    if version is None or not all(isinstance(config.get(key), dict) for key in ("settings", "learned")):
        reason = config if isinstance(config, str) else f"{CONFIG} has no `settings` and `learned`"
        raise ValueError(f"{folder}: no model here; train one first ({reason})")
    return dict(config)


def is_trained_config(config: Any) -> bool:
    """Whether a folder's config.json, as read, is of a tokenizer that was trained here and not of transformers."""
    return isinstance(config, dict) and "format" in config and "learned" in config


def first_line(error: BaseException) -> str:
    """The first line of a library's message; what follows is often about hubs and tokens."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
