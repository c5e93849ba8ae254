"""A trained tokenizer's folder.

model.safetensors    every tensor
known.json           what else was learned, such as speakers' means
settings.json        the settings it was trained with, to read
"""

import json
from collections.abc import Mapping, Sequence
from functools import reduce
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import AfterValidator
from safetensors import SafetensorError

from weft.schemas.fingerprint import digest
from weft.schemas.hub import is_hub_name, loadable
from weft.schemas.settings import CHECKPOINT, Settings
from weft.schemas.small_json import read_json

if TYPE_CHECKING:  # torch takes seconds, which a recipe's check does not need
    import torch

    Tensors = Mapping[str, torch.Tensor]


def located(name: str, files: Sequence[str] = ("*.json", "*.safetensors")) -> Path:
    """A trained tokenizer's folder: `name` itself, or a copy of what the hub has under a name such as `hf://org/name`, of these files.

    Raises ValueError where there is neither.
    """
    if not is_hub_name(name):
        return Path(name)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return Path(snapshot_download(loadable(name), allow_patterns=list(files)))
    except (OSError, ValueError, HfHubHTTPError) as error:
        raise ValueError(f"{name}: no trained tokenizer here, nor on the hub ({first_line(error)})") from None


def absolute(name: str) -> str:
    """A local folder's name that is the same from anywhere; a hub name, or none, is itself."""
    return str(Path(name).absolute()) if name and Path(name).exists() else name


Checkpoint = Annotated[str, AfterValidator(absolute), CHECKPOINT]  # a local file or folder, or `hf://org/name`


def save(folder: Path, settings: Settings, tensors: "Tensors", known: Mapping[str, Any]) -> None:
    from safetensors.torch import save_file

    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / "model.safetensors")
    (folder / "known.json").write_text(_json(known), "utf-8")
    (folder / "settings.json").write_text(settings.model_dump_json(indent=1) + "\n", "utf-8")


def load(folder: Path) -> "tuple[dict[str, torch.Tensor], Any, str]":
    """Tensors, what else is known, and a checksum over both. Raises ValueError for a folder that holds no such model."""
    from safetensors.torch import load_file

    try:
        tensors = load_file(folder / "model.safetensors")
        known = read_json(folder / "known.json")
    except (OSError, SafetensorError, ValueError) as error:
        raise ValueError(f"{folder}: no model here; train one first ({first_line(error)})") from None
    if not isinstance(known, dict):
        raise ValueError(f"{folder}: no model here; train one first (known.json holds no names)")
    sums = {name: blake2b(tensor.numpy().tobytes()).hexdigest() for name, tensor in sorted(tensors.items())}
    return tensors, known, digest([sums, known])[:16]


def forget_speakers(folder: Path) -> None:
    """Of a model that is taken to another corpus, where who has the same name is somebody else."""
    file = folder / "known.json"
    try:
        known = read_json(file)
    except (OSError, ValueError):  # there is none, or one that `load` will refuse
        return
    if isinstance(known, dict) and known.get("speakers"):
        file.write_text(_json({**known, "speakers": {}}), "utf-8")


def settings_of(folder: Path) -> dict[str, Any]:
    """The settings a tokenizer was trained with. Raises ValueError for a folder that holds none."""
    try:
        found = read_json(folder / "settings.json")
    except (OSError, ValueError) as error:
        raise ValueError(f"{folder}: no trained tokenizer here (settings.json: {error})") from None
    if not isinstance(found, dict):
        raise ValueError(f"{folder}: no trained tokenizer here (settings.json holds no settings)")
    return found


def check_settings(folder: Path, settings: Settings, *names: str) -> None:
    """Raises ValueError where a model was trained with another value of one of these settings, such as `training.heads`, that its
    tensors' shapes do not tell.
    """
    trained, wanted = settings_of(folder), settings.model_dump(mode="json")
    for name in names:
        was, now = (reduce(lambda at, key: at.get(key, {}), name.split("."), some) for some in (trained, wanted))
        if was != now:
            raise ValueError(f"{folder}: its model has other settings (`{name}` is {now}, it was trained with {was})")


def check_finite(folder: Path, centroids: np.ndarray) -> None:
    """Raises ValueError for a codebook to which nothing is near."""
    if centroids.dtype != np.float32 or not np.isfinite(centroids).all():
        raise ValueError(f"{folder}: its centroids are not all finite numbers of 32 bits")


def fill(module: "torch.nn.Module", tensors: "Tensors", folder: Path) -> None:
    """Puts tensors into a module that only encodes. Raises ValueError where they are another model's."""
    try:
        module.load_state_dict(dict(tensors))
    except RuntimeError as error:
        lines = str(error).splitlines()
        raise ValueError(f"{folder}: its model has other settings ({lines[min(1, len(lines) - 1)].strip()})") from None
    module.eval().requires_grad_(False)


def first_line(error: Exception) -> str:
    """What a library says before it goes on about hubs and tokens."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def _json(known: Mapping[str, Any]) -> str:
    return json.dumps(known, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
