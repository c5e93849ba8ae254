"""Reading HuBERT checkpoints and codebooks, and refusing those that do not fit; safetensors and .npy, never a pickle.

load_hubert("models/hubert", layer=3)  ->  HubertModel cut to 3 blocks, Grid(hop=640, …)
load_codebook("kmeans.safetensors", (100, 192))  ->  float32 [100, 192]
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file
from transformers import HubertConfig, HubertModel
from transformers.utils import logging

from weft.tokenizers.grid import Grid

UNUSED = {"masked_spec_embed"}  # only training hides frames


def load_hubert(name: str, layer: int) -> tuple[HubertModel, Grid]:
    """The checkpoint in a local folder or of a hub name, without the blocks after `layer`, and its frame grid.

    Raises ValueError when it is no HuBERT, has too few layers, lacks weights or holds no safetensors.
    """
    config = _config(name)
    if layer > config.num_hidden_layers:
        raise ValueError(f"{name}: `layer` is {layer} but the model has {config.num_hidden_layers}")
    try:
        with quiet(), torch.random.fork_rng(devices=[]):  # it draws weights before it reads them
            options: dict[str, Any] = {"use_safetensors": True, "output_loading_info": True, "dtype": "float32"}
            loaded: Any = HubertModel.from_pretrained(name, config=config, **options)
    except (OSError, RuntimeError, SafetensorError) as error:
        raise ValueError(f"{name}: no HuBERT weights in safetensors could be read ({first_line(error)})") from None
    model, info = loaded
    missing = set(info["missing_keys"]) - UNUSED
    if missing:
        raise ValueError(f"{name}: {len(missing)} weights are missing, such as {min(missing)}; is this a HuBERT?")
    return cut(model, layer)


def cut(model: HubertModel, layer: int) -> tuple[HubertModel, Grid]:
    """The model up to the output of block `layer`, for inference, and its frame grid; the rest is never computed."""
    model.encoder.layers = model.encoder.layers[:layer]
    model.config.num_hidden_layers = layer
    return model.eval().requires_grad_(False), Grid.of(model.config.conv_kernel, model.config.conv_stride)


@contextmanager
def quiet() -> Iterator[None]:
    """Without transformers' progress bars, which would break into the command line's own."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _config(name: str) -> HubertConfig:
    try:
        settings, _ = HubertConfig.get_config_dict(name)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{name}: no model here; train one first or name a HuBERT folder ({first_line(error)})"
        ) from None
    if not settings:
        raise ValueError(f"{name}: no model here; train one first or name a HuBERT folder")
    if settings.get("model_type") != "hubert":
        raise ValueError(f"{name}: a {settings.get('model_type', 'nameless')} model, not a hubert one")
    return HubertConfig.from_dict(settings)


def first_line(error: Exception) -> str:
    """What transformers says before it goes on about hubs and tokens."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def load_codebook(path: str, shape: tuple[int, int]) -> np.ndarray:
    """Centroids float32 [size, width]. Raises ValueError for a file that holds no such table."""
    try:
        table = np.load(path, allow_pickle=False) if Path(path).suffix == ".npy" else _only_tensor(path)
    except (OSError, SafetensorError, ValueError) as error:
        raise ValueError(f"{path}: no codebook could be read ({first_line(error)})") from None
    if table.shape != shape:
        raise ValueError(f"{path}: centroids are {list(table.shape)}, but [size, width] is {list(shape)}")
    if not np.isfinite(table).all():
        raise ValueError(f"{path}: centroids are not all finite numbers")
    return np.ascontiguousarray(table, dtype=np.float32)


def _only_tensor(path: str) -> np.ndarray:
    tensors = load_file(path)
    if len(tensors) != 1:
        raise ValueError(f"{len(tensors)} tensors where one is wanted")
    return next(iter(tensors.values()))


def checksum(model: HubertModel, centroids: np.ndarray) -> str:
    """16 hex digits over every weight and centroid."""
    hasher = hashlib.blake2b(centroids.tobytes(), digest_size=8)
    for name, tensor in sorted(model.state_dict().items()):
        hasher.update(name.encode())
        hasher.update(tensor.contiguous().numpy().tobytes())
    return hasher.hexdigest()
