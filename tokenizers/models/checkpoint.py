"""Reading HuBERT and wav2vec2 checkpoints, and refusing those that do not fit; safetensors alone, never a pickle.

load_encoder("models/hubert", layer=3)  ->  HubertModel cut to 3 blocks, Grid(hop=640, …)
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from transformers import HubertConfig, HubertModel, Wav2Vec2Model
from transformers.utils import logging

from weft.schemas.hub import loadable
from weft.tokenizers.features.grid import Grid
from weft.tokenizers.models.folder import first_line
from weft.tokenizers.models.mel_hubert import MelHubert

Encoder = HubertModel | Wav2Vec2Model
_KINDS: dict[str, Any] = {"hubert": HubertModel, "mel-hubert": MelHubert, "wav2vec2": Wav2Vec2Model}
# what transformers makes of a config.json that is none
_ODD = ValueError, TypeError, KeyError, IndexError, AttributeError
UNUSED = {"masked_spec_embed"}  # only training hides frames


def load_encoder(name: str, layer: int) -> tuple[Encoder, Grid]:
    """The checkpoint in a local folder or on the hub, without the blocks after `layer`, and its frame grid.

    Raises ValueError when it is neither a HuBERT nor a wav2vec2, has too few layers, lacks weights or holds no safetensors.
    """
    config = _config(name)
    if layer > config.num_hidden_layers:
        raise ValueError(f"{name}: `layer` is {layer} but the model has {config.num_hidden_layers}")
    kind = _KINDS[config.model_type]
    try:
        with quiet(), torch.random.fork_rng(devices=[]):  # it draws weights before it reads them
            options: dict[str, Any] = {"use_safetensors": True, "output_loading_info": True, "dtype": "float32"}
            loaded: Any = kind.from_pretrained(loadable(name), config=config, **options)
    except (OSError, RuntimeError, SafetensorError, *_ODD) as error:
        raise ValueError(f"{name}: no weights in safetensors could be read ({first_line(error)})") from None
    model, info = loaded
    for unused in UNUSED.intersection(info["missing_keys"]):
        model.get_parameter(unused).data.zero_()  # it was drawn, and counts in the checksum
    missing = set(info["missing_keys"]) - UNUSED
    if missing:
        raise ValueError(
            f"{name}: {len(missing)} weights are missing, such as {min(missing)}; is this a {kind.__name__}?"
        )
    return cut(model, layer)


def cut(model: Encoder, layer: int) -> tuple[Encoder, Grid]:
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


@contextmanager
def full_float32() -> Iterator[None]:
    """Convolutions of float32 are computed in float32. cuDNN's default is TF32 of 10 bits, and its units are not the CPU's."""
    allowed = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = allowed


def to_device(model: torch.nn.Module, device: str, dtype: torch.dtype) -> torch.nn.Module:
    """The model there. Raises ValueError for a device that torch does not know or this machine does not have."""
    try:
        return model.to(device=device, dtype=dtype)
    except (AssertionError, RuntimeError) as error:
        raise ValueError(f"`device: {device}` is not here ({first_line(error)})") from None


def _config(name: str) -> Any:
    try:
        there = loadable(name)
    except ValueError as error:
        raise ValueError(f"{error}: no model here; train one first or name a folder") from None
    try:
        settings, _ = HubertConfig.get_config_dict(there)
    except (OSError, *_ODD) as error:
        raise ValueError(f"{name}: no model here; train one first or name a folder ({first_line(error)})") from None
    if not settings:
        raise ValueError(f"{name}: no model here; train one first or name a folder")
    if settings.get("model_type") not in _KINDS:
        raise ValueError(f"{name}: a {settings.get('model_type', 'nameless')} model, none of {', '.join(_KINDS)}")
    if settings["model_type"] == "mel-hubert" and "sliding_window" not in settings:
        raise ValueError(f"{name}: trained by an earlier weft, whose model attended to all it heard: train it again")
    return _KINDS[settings["model_type"]].config_class.from_dict(settings)


def checksum(model: torch.nn.Module, tables: Mapping[str, np.ndarray]) -> str:
    """16 hex digits over every weight, and the tables that go with them."""
    hasher = hashlib.blake2b(digest_size=8)
    for name, table in sorted(tables.items()):
        hasher.update(name.encode())
        hasher.update(np.ascontiguousarray(table).tobytes())
    for name, tensor in sorted(model.state_dict().items()):
        hasher.update(name.encode())
        hasher.update(tensor.contiguous().numpy().tobytes())
    return hasher.hexdigest()
