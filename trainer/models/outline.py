"""What a stage's network will consist of, before any weight of it is made.

outline(config_of([ModelSettings(config=…)]), objective, ["audio"])      a Network on the device `meta`, with an adaptor
unlike({"sft": config, "other": config})                                 {"hidden_size": [32, 64]}
"""

from collections.abc import Collection, Sequence
from typing import Any

import torch

from weft.schemas.objectives import ObjectiveSettings, Ppo, RewardModel
from weft.schemas.vocabulary import Modality
from weft.trainer.model import without_weights
from weft.trainer.models.adaptor import Adaptor
from weft.trainer.models.heads import Critic, ScoreHead
from weft.trainer.models.network import Network

# what weft sets in every checkpoint, and what says nothing of the weights
_SET = {"vocab_size", "bos_token_id", "eos_token_id", "pad_token_id", "dtype", "architectures", "transformers_version"}


def outline(config: Any, objective: ObjectiveSettings, modalities: Collection[Modality]) -> Network:
    """The network of a stage without memory for its weights, with adaptors for the modalities. Raises ValueError as `build` does."""
    network = Network(without_weights(config))
    with torch.device("meta"):
        if "audio" in modalities:
            network.adaptor = Adaptor(width=1, embedding=network.width)
        if "image" in modalities:
            network.image_adaptor = Adaptor(width=1, embedding=network.width, stride=1)
        if isinstance(objective, RewardModel):
            network.score = ScoreHead(network.width)
        if isinstance(objective, Ppo):
            network.critic = Critic.of(network.lm, network.width)
    return network


def unlike(configs: Sequence[Any]) -> dict[str, list[Any]]:
    """The keys in which configs of LMs differ, each with the values of all: such LMs cannot be merged."""
    flat = [_flat(config.to_dict()) for config in configs]
    keys = sorted(key for key in set().union(*flat) - _SET if not key.startswith("_"))
    values = {key: [each.get(key) for each in flat] for key in keys}
    return {key: each for key, each in values.items() if any(value != each[0] for value in each)}


def _flat(config: dict[str, Any]) -> dict[str, Any]:
    """With the keys of the rotary embedding in the place of `rope_parameters`, as a recipe names them."""
    rope = config.get("rope_parameters")
    return {key: value for key, value in config.items() if key != "rope_parameters"} | (rope or {})
