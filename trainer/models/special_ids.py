"""Which ids begin, end and pad, for those who generate with a checkpoint: transformers' own defaults are other tokens here.

set_special_ids(lm, vocabulary)      config.json: bos 0, eos 1518, pad 1518;  generation_config.json: eos [1518, 2]
"""

from typing import Any

from transformers import PreTrainedModel

from weft.schemas.vocabulary import Vocabulary

FILES = ("tokenizer.json", "tokenizer_config.json", "vocabulary.json")


def set_special_ids(lm: PreTrainedModel, vocabulary: Vocabulary) -> None:
    """Sets bos, eos and pad of the config and of the generation config to the vocabulary's; None where it has none.

    The config names one end, that of an answer; generation stops at any.
    """
    configs: tuple[Any, ...] = (lm.config, lm.generation_config)
    for config in filter(None, configs):
        config.bos_token_id, config.eos_token_id, config.pad_token_id = vocabulary.bos, vocabulary.end, vocabulary.pad
    if lm.generation_config and len(vocabulary.ends) > 1:
        lm.generation_config.eos_token_id = list(vocabulary.ends)
