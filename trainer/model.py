"""The causal LM of a stage: a checkpoint or a transformers config, its vocabulary grown to the unified one.

    build(ModelSettings(config={"model_type": "llama", "hidden_size": 32, …}), size=2112, seed=0)

A forward over packed blocks attends inside documents, so a sample sees itself and nothing else.
"""

from collections.abc import Sequence
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

from weft.schemas.training import ModelSettings
from weft.tokenizers.models.learned import first_line
from weft.trainer.attention import packed_mask
from weft.trainer.models.reading import as_trained, check_kind, check_weights, load, read_config

# transformers 5 moves these into `rope_parameters`, so a default config has no attribute of that name.
_MOVED = {"model_type", "rope_theta", "rope_scaling"}
# of which transformers makes models without layers, without a word; a config may have another name for one
_COUNTS = (
    "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim",
    "max_position_embeddings",
)  # fmt: skip


def build(settings: ModelSettings, size: int, seed: int) -> PreTrainedModel:
    """The model in float32, with `size` rows in its embedding and head; new weights are drawn from `seed`.

    Raises ValueError for a config that transformers does not know, and for attention that the mask cannot keep inside samples.
    """
    torch.manual_seed(seed)
    config = _config(settings, size)
    if not settings.base:
        return as_trained(_new(config))
    model = load(settings.base, config)
    if model.get_input_embeddings().num_embeddings != size:
        model.resize_token_embeddings(size)
    return model


def check_new(settings: ModelSettings, context: int) -> None:
    """Checks a model that starts from a config, without memory for its weights. Raises ValueError as `build` does.

    A checkpoint and an earlier stage are not looked at: a corpus may be built where they are not.
    """
    if not settings.config:
        return
    config = _config(settings, size=64)
    check_context(config, context)
    without_weights(config)


def config_of(line: Sequence[ModelSettings], size: int = 64) -> Any:
    """The config of the LM that a line of stages ends with: the first has a `base` or a `config`, and each goes on from the one before.

    A `base` is looked at, but for its weights. Raises ValueError as `build` does.
    """
    if line[0].base:
        check_weights(line[0].base)
    config = _config(line[0], size)
    for settings in line[1:]:
        config = _with_rope(settings, config)
    return config


def without_weights(config: Any) -> PreTrainedModel:
    """An LM of this config on the device `meta`, where weights take no memory. Raises ValueError as `build` does."""
    with torch.device("meta"):
        return _new(config)


def _new(config: Any) -> PreTrainedModel:
    """A new model. Raises ValueError for a config that transformers makes none of."""
    try:
        model: PreTrainedModel = AutoModelForCausalLM.from_config(
            config, attn_implementation="sdpa", dtype=torch.float32
        )
    except (
        ArithmeticError,
        AssertionError,
        AttributeError,
        ImportError,
        LookupError,
        RuntimeError,
        TypeError,
    ) as fault:
        kind = (
            f"{type(fault).__name__}: " if isinstance(fault, ArithmeticError | LookupError) else ""
        )  # whose texts are bare
        raise ValueError(
            f"transformers makes no {config.model_type} of this config: {kind}{first_line(fault)}"
        ) from None
    return model


def _config(settings: ModelSettings, size: int) -> Any:
    if settings.base:
        return with_settings(settings, settings.base)
    return _with_rope(settings, _fresh_config(settings.config, size))


def with_settings(settings: ModelSettings, folder: str) -> Any:
    """The config of a checkpoint, with what the settings change in it. Raises ValueError for a model that they cannot be of."""
    return _with_rope(settings, read_config(folder))


def _with_rope(settings: ModelSettings, config: Any) -> Any:
    if settings.rope_theta is not None:
        rope = getattr(config, "rope_parameters", None)
        if not rope or "rope_type" not in rope:
            raise ValueError(f"`rope_theta` is set, but {config.model_type} has no rotary embedding")
        config.rope_parameters = {**rope, "rope_theta": settings.rope_theta}
    if set(getattr(config, "layer_types", None) or ["full_attention"]) != {"full_attention"}:
        raise ValueError(
            f"{config.model_type} has layers without full attention, which would attend across packed samples"
        )
    return config


def _fresh_config(declared: dict[str, Any], size: int) -> Any:
    """A config of a new model. Raises ValueError for an unknown type or key (transformers would keep the key and ignore it), and for
    values that cannot be."""
    kind = str(declared["model_type"])
    check_kind(kind)
    default = AutoConfig.for_model(kind)
    if unknown := [key for key in declared if key not in _MOVED and not hasattr(default, key)]:
        raise ValueError(f"a {declared['model_type']} config has no {', '.join(unknown)}")
    counts = {name for key in _COUNTS for name in (key, default.attribute_map.get(key, key))}
    if none := [key for key in declared if key in counts and isinstance(declared[key], int) and declared[key] < 1]:
        raise ValueError(f"`{none[0]}` of the config is {declared[none[0]]}, and the least is 1")
    try:
        return AutoConfig.for_model(**declared, vocab_size=size)
    except (StrictDataclassError, TypeError) as fault:
        reason = fault.__cause__ or fault  # the first names a validator alone
        raise ValueError(f"a {kind} config cannot be: {first_line(reason).rstrip('.')}") from None


def check_context(config: Any, context: int) -> None:
    """Raises ValueError when blocks of `context` tokens are longer than the model's positions or attention window."""
    window = getattr(config, "sliding_window", None) if getattr(config, "use_sliding_window", True) else None
    positions = getattr(config, "max_position_embeddings", None)
    for key, limit in (("sliding_window", window), ("max_position_embeddings", positions)):
        if limit is not None and context > limit:
            raise ValueError(
                f"the context is {context} tokens, but the model attends over {limit} at most: lower `context`, or, of a new model, "
                f"raise `{key}`"
            )


def forward(
    model: PreTrainedModel, ids_BT: Tensor, positions_BT: Tensor, documents_BT: Tensor, keep_K: Tensor
) -> Tensor:
    """Logits (B, K, V) of packed blocks at the positions `keep_K`, int64 indices into T."""
    return model(
        input_ids=ids_BT, position_ids=positions_BT, attention_mask=packed_mask(model, documents_BT),
        logits_to_keep=keep_K, use_cache=False,
    ).logits  # fmt: skip
