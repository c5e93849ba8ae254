"""Reads HuBERT and wav2vec2 encoders, and refuses those that do not fit. Only safetensors are read, never a pickle.

load_encoder("checkpoints/mhubert", layer=3)     a checkpoint of transformers, or a HuBERT that was trained here
    ->  HubertModel cut to 3 blocks, Grid(hop=640, …)
learned_of(model)                                what a trained tokenizer's folder holds of it (see learned.py)
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from transformers import HubertConfig, HubertModel, Wav2Vec2Model
from transformers.utils import logging

from weft.schemas.hub import loadable
from weft.tokenizers.features.grid import Grid
from weft.tokenizers.models.folder import located
from weft.tokenizers.models.learned import Learned, first_line, is_trained_config, load, prefixed
from weft.tokenizers.models.mel_hubert import MelHubert, MelHubertConfig

LayeredModel = HubertModel | Wav2Vec2Model
_KINDS: dict[str, Any] = {"hubert": HubertModel, "mel-hubert": MelHubert, "wav2vec2": Wav2Vec2Model}
# what transformers raises for a config.json that is no config
_ODD = ValueError, TypeError, KeyError, IndexError, AttributeError
UNUSED = {"masked_spec_embed"}  # only masked prediction needs it
ENCODER = "encoder"


def load_encoder(name: str, layer: int) -> tuple[LayeredModel, Grid]:
    """The encoder in a local folder or on the hub, without the blocks after `layer`, and its frame grid.

    Raises ValueError when it is neither a HuBERT nor a wav2vec2, has too few layers, lacks weights or holds no safetensors.
    """
    settings = _config_file(name)
    if is_trained_config(settings):
        return encoder_of(load(located(name)), layer, name)
    config = _config(settings, name)
    if config.model_type == MelHubertConfig.model_type:
        raise ValueError(
            f"{name}: this HuBERT was trained by an earlier version of weft, in a format no longer read: train it again"
        )
    _check_layer(config, layer, name)
    try:
        with quiet(), torch.random.fork_rng(devices=[]):  # transformers draws weights before it reads them
            options: dict[str, Any] = {"use_safetensors": True, "output_loading_info": True, "dtype": "float32"}
            loaded: Any = _KINDS[config.model_type].from_pretrained(loadable(name), config=config, **options)
    except (OSError, RuntimeError, SafetensorError, *_ODD) as error:
        raise ValueError(f"{name}: no weights in safetensors could be read ({first_line(error)})") from None
    model, info = loaded
    for unused in UNUSED.intersection(info["missing_keys"]):
        model.get_parameter(unused).data.zero_()  # it was drawn at random, and the checksum covers it
    missing = set(info["missing_keys"]) - UNUSED
    if missing:
        kind = type(model).__name__
        raise ValueError(f"{name}: {len(missing)} weights are missing, such as {min(missing)}; is this a {kind}?")
    return cut(model, layer)


def learned_of(model: LayeredModel) -> Learned:
    """The encoder's weights and its config."""
    config = json.loads(model.config.to_json_string(use_diff=True))
    return Learned(tensors=prefixed(ENCODER, model.state_dict()), facts={ENCODER: config})


def encoder_of(learned: Learned, layer: int, name: str) -> tuple[LayeredModel, Grid]:
    """The inverse of `learned_of`; `name` is the folder's, for messages. Raises ValueError as `load_encoder`."""
    config = _config(learned.facts.get(ENCODER), name)
    _check_layer(config, layer, name)
    try:
        with quiet(), torch.random.fork_rng(devices=[]):  # weights are drawn before they are filled
            model = _KINDS[config.model_type](config)
        model.load_state_dict(learned.part(ENCODER))
    except (RuntimeError, *_ODD) as error:
        raise ValueError(f"{name}: its weights do not fit its config ({first_line(error)})") from None
    return cut(model, layer)


def cut(model: LayeredModel, layer: int) -> tuple[LayeredModel, Grid]:
    """The model up to the output of block `layer`, for inference, and its frame grid."""
    model.encoder.layers = model.encoder.layers[:layer]
    model.config.num_hidden_layers = layer
    return model.eval().requires_grad_(False), Grid.of(model.config.conv_kernel, model.config.conv_stride)


@contextmanager
def quiet() -> Iterator[None]:
    """Hides transformers' progress bars, which would disturb the command line's own, and its reports: who loads says what is wrong."""
    was_enabled, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if was_enabled:
            logging.enable_progress_bar()


@contextmanager
def full_float32() -> Iterator[None]:
    """Computes float32 convolutions in float32. cuDNN's default is TF32 with 10 bits, which gives other units than a CPU."""
    allowed = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = allowed


def to_device(model: torch.nn.Module, device: str, dtype: torch.dtype) -> torch.nn.Module:
    """The model on that device. Raises ValueError for one that torch does not know or this machine does not have."""
    try:
        return model.to(device=device, dtype=dtype)
    except (AssertionError, RuntimeError) as error:
        raise ValueError(f"`device: {device}` is not here ({first_line(error)})") from None


def _config_file(name: str) -> dict[str, Any]:
    """What config.json says, of transformers or ours."""
    try:
        settings, _ = HubertConfig.get_config_dict(loadable(name))
    except (OSError, *_ODD) as error:
        raise ValueError(f"{name}: no model here; train one first or name a folder ({first_line(error)})") from None
    if not settings:
        raise ValueError(f"{name}: no model here; train one first or name a folder")
    return dict(settings)


def _config(settings: Any, name: str) -> Any:
    """A config of transformers. Raises ValueError for what is none, or of another kind of model."""
    kind = str(settings.get("model_type", "nameless")) if isinstance(settings, dict) else "nameless"
    if kind not in _KINDS:
        raise ValueError(f"{name}: a {kind} model, none of {', '.join(_KINDS)}")
    try:
        return _KINDS[kind].config_class.from_dict(settings)
    except (StrictDataclassError, *_ODD) as error:
        reason = str(error.__cause__ or error)
        raise ValueError(f"{name}: its config.json is no {kind} config ({' '.join(reason.split())})") from None


def _check_layer(config: Any, layer: int, name: str) -> None:
    if layer > config.num_hidden_layers:
        raise ValueError(f"{name}: `layer` is {layer} but the model has {config.num_hidden_layers}")
