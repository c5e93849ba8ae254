"""Which ids begin and end a text, for those who generate with a checkpoint: transformers' own defaults are other tokens here.

set_special_ids(lm, vocabulary, files)      config.json and generation_config.json: bos None, eos 1518, pad None
"""

import json
from collections.abc import Mapping
from typing import Any

from transformers import PreTrainedModel

from weft.schemas.vocabulary import Vocabulary

FILES = ("tokenizer.json", "tokenizer_config.json", "vocabulary.json")
_ENDS = ("eot", "end", "eos")  # names of markers that end a turn


def set_special_ids(lm: PreTrainedModel, vocabulary: Vocabulary, files: Mapping[str, bytes]) -> None:
    """Sets bos, eos and pad of the config and of the generation config; `files` are those of the vocabulary's folder, by name.

    bos is the vocabulary's. eos is the marker that ends a turn, or else the text tokenizer's; pad is the text tokenizer's. None where
    there is none.
    """
    named, eos = _named(files), end_id(vocabulary, files)
    configs: tuple[Any, ...] = (lm.config, lm.generation_config)
    for config in filter(None, configs):
        config.bos_token_id, config.eos_token_id, config.pad_token_id = vocabulary.bos, eos, named.get("pad_token")


def end_id(vocabulary: Vocabulary, files: Mapping[str, bytes]) -> int | None:
    """The id that ends a turn, where a reply ends too; None where there is none."""
    markers = {marker.name: marker.id for marker in vocabulary.markers}
    return next((markers[name] for name in _ENDS if name in markers), _named(files).get("eos_token"))


def _named(files: Mapping[str, bytes]) -> dict[str, int]:
    """The ids of the tokens that tokenizer_config.json names."""
    if not {"tokenizer.json", "tokenizer_config.json"} <= files.keys():
        return {}
    record = json.loads(files["tokenizer.json"])
    ids = {token["content"]: token["id"] for token in record["added_tokens"]}
    options = json.loads(files["tokenizer_config.json"])
    return {name: ids[token] for name, token in options.items() if name.endswith("_token") and token in ids}
