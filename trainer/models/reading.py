"""Reads a causal LM of transformers from a folder or the hub: all of its weights or none, from safetensors, and never its code.

read_config("checkpoints/qwen2.5-7b")                 Qwen2Config(…)
load("checkpoints/qwen2.5-7b", config)          Qwen2ForCausalLM in float32
read_config("checkpoints/step-audio-2-mini")          ValueError: …: transformers has no model_type 'step_audio_2', …
"""

from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from transformers import CONFIG_MAPPING, AutoConfig, AutoModelForCausalLM, PreTrainedConfig, PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from weft.schemas.counting import counted
from weft.schemas.hub import is_hub_name, loadable
from weft.tokenizers.models.checkpoint import quiet
from weft.trainer.attention import take_bounds
from weft.trainer.models.packing_check import check_packing

_SHOWN = 3


def read_config(folder: str) -> Any:
    """The config of a checkpoint. Raises ValueError where there is none that transformers itself knows, or not of a causal LM."""
    name = loadable(folder)
    try:
        settings, _ = PreTrainedConfig.get_config_dict(name)
        if "model_type" not in settings:
            raise ValueError("it has no config.json with a model_type")
        check_kind(settings["model_type"], has_code="auto_map" in settings)
        return AutoConfig.from_pretrained(name, trust_remote_code=False)
    except (OSError, StrictDataclassError, ValueError, TypeError) as fault:
        raise ValueError(f"{folder}: {' '.join(str(fault).split()).rstrip('.')}") from None


def check_kind(kind: object, has_code: bool = False) -> None:
    """Raises ValueError for a `model_type` that transformers does not know, or that is of no causal LM."""
    if kind not in CONFIG_MAPPING:
        similar = ", ".join(get_close_matches(str(kind), CONFIG_MAPPING))
        code = ", and weft does not run the code that a checkpoint brings" if has_code else ""
        raise ValueError(f"transformers has no model_type {kind!r}{code}{similar and f'; similar: {similar}'}")
    if kind not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        raise ValueError(f"a {kind} is no causal LM: AutoModelForCausalLM of transformers does not load it")


def load(folder: str, config: Any = None) -> PreTrainedModel:
    """The model in float32. Raises ValueError where it cannot be loaded whole from safetensors, and for weights that are not finite."""
    config = config or read_config(folder)
    try:
        with quiet():
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                loadable(folder), config=config, attn_implementation="sdpa", dtype=torch.float32, use_safetensors=True,
                trust_remote_code=False, ignore_mismatched_sizes=True, output_loading_info=True,
            )  # fmt: skip
    except SafetensorError as fault:
        raise ValueError(f"{folder}: its safetensors are damaged or cut short ({str(fault).splitlines()[0]})") from None
    except OSError as fault:
        reason = str(fault).splitlines()[0].rstrip(".")
        raise ValueError(f"cannot load {folder}: {reason}; only safetensors checkpoints are read") from None
    model, info = loaded
    if lacking := sorted(info["missing_keys"] | {key for key, *_ in info["mismatched_keys"]}):
        raise ValueError(
            f"{folder} lacks {len(lacking)} of the weights of a {type(model).__name__}, or has them in another shape, such as "
            f"{lacking[0]}: it would be trained from random ones"
        )
    check_finite_weights(model, folder)
    return as_trained(cast(PreTrainedModel, model))


def check_finite_weights(model: torch.nn.Module, folder: str) -> None:
    """Raises ValueError for weights that are not finite: whatever is made of them is not either."""
    counts = {name: int((~torch.isfinite(weight)).sum()) for name, weight in model.named_parameters()}
    bad = [name for name, count in counts.items() if count]
    if bad:
        more = ", …" if len(bad) > _SHOWN else ""
        raise ValueError(
            f"{folder}: {sum(counts.values()):,} of its weights are not finite, in {counted(len(bad), 'tensor')}: "
            f"{', '.join(bad[:_SHOWN])}{more}"
        )


def as_trained(lm: PreTrainedModel) -> PreTrainedModel:
    """The LM, with attention inside packed documents, and a gradient for the embedding of its `pad_token_id` too.

    Torch gives that token none, and here an end of a turn may pad. Padding is no document's, so it has no gradient anyway.
    Raises ValueError for an LM that packed samples would be wrong for.
    """
    take_bounds(lm)
    check_packing(lm)
    lm.get_input_embeddings().padding_idx = None  # type: ignore[assignment]
    return lm


def check_weights(folder: str) -> None:
    """Raises ValueError for a local folder without safetensors, which takes no time. What is on the hub is not looked at."""
    if not is_hub_name(folder) and not any(Path(loadable(folder)).glob("*.safetensors")):
        raise ValueError(f"{folder} holds no *.safetensors; only safetensors checkpoints are read")
