"""A reward model of an earlier stage: scores replies.

model = RewardScorer(network=load_reward_model(folder, vocabulary, device), dtype="float32", forward_tokens=8192)
model(replies)  ->  [0.7, -1.2]
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from weft.schemas.vocabulary import Vocabulary
from weft.trainer.models.encoders import NO_ENCODERS, FrozenEncoders
from weft.trainer.models.heads import ScoreHead
from weft.trainer.models.network import SCORE, Network
from weft.trainer.models.starting import check_vocabulary, loaded
from weft.trainer.objectives.base import autocast, micro_rows
from weft.trainer.objectives.reward import scores_at_ends
from weft.trainer.replies import Reply
from weft.trainer.rollouts import rows_after


@dataclass(frozen=True)
class RewardScorer:
    """`forward_tokens` bounds the tokens of a forward."""

    network: Network
    dtype: str
    forward_tokens: int
    encoders: FrozenEncoders = field(default_factory=dict)

    @torch.no_grad()
    def __call__(self, replies: Sequence[Reply]) -> list[float]:
        """A score for each reply to its prompt."""
        tails = [reply.ids if reply.end is None else np.append(reply.ids, reply.end) for reply in replies]
        prompts = [reply.prompt for reply in replies]
        rows = rows_after(prompts, tails, sorted({prompt.draw.task for prompt in prompts}))
        with autocast(self.network.device, self.dtype):
            parts = [
                scores_at_ends(self.network, part)
                for part in micro_rows(rows, self.network.device, self.forward_tokens, self.encoders)
            ]
        scores: list[float] = torch.cat(parts).tolist()
        return scores


def load_reward_model(
    folder: Path, vocabulary: Vocabulary, device: torch.device, encoders: FrozenEncoders = NO_ENCODERS
) -> Network:
    """The network of a reward model's checkpoint, frozen. Raises ValueError for a checkpoint that is none, or of another vocabulary."""
    if not (folder / f"{SCORE}.safetensors").is_file():
        raise ValueError(f"{folder} is no reward model: it has no {SCORE}.safetensors")
    check_vocabulary(folder, vocabulary)
    network = loaded(folder, encoders)
    network.score = ScoreHead(network.width)
    network.load_heads(folder)
    return network.to(device).eval().requires_grad_(False)
