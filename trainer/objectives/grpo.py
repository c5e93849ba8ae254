"""Group-relative policy optimisation (Shao et al. 2024, §4.1; outcome supervision).

    advantage of a reply = (reward - mean of the rewards to its prompt) / (their standard deviation + 1e-4)
    loss of a reply = mean over its tokens of  -min(ratio · advantage, clip(ratio, 1 ± ε) · advantage) + β · KL

ratio is a token's probability over that when it was drawn; KL that from the weights that the stage starts from. Left out of the paper:
process supervision, and renewing the reference and a reward model in the course of a stage.
"""

from dataclasses import replace

import numpy as np
from torch import Tensor

from weft.schemas.objectives import Grpo
from weft.trainer.models.network import Network
from weft.trainer.objectives.base import Rows, Sums, autocast
from weft.trainer.objectives.log_probs import clipped, mean_of_replies, token_log_probs
from weft.trainer.objectives.on_prompts import OnPromptsObjective, Practice
from weft.trainer.scoring import Scores
from weft.trainer.stream import Batch

_SMALL = 1e-4  # keeps equal rewards, whose advantage is 0, from a division by 0


class GrpoObjective(OnPromptsObjective):
    """The figures of a batch: `old`, `reference` (B, T; not where `kl` is 0) and `advantage` (B, 1)."""

    def __init__(self, settings: Grpo, practice: Practice) -> None:
        super().__init__(settings, practice)
        self._group = settings.group

    @property
    def group(self) -> int:
        return self._group

    def judged(self, network: Network, batch: Batch, scores: Scores) -> Batch:
        figures = {
            **batch.figures,
            "advantage": group_advantages(scores.total, self.group).astype(np.float32)[:, None],
            **self.reference(network, batch),
        }
        return replace(batch, figures=figures)

    def loss(self, network: Network, rows: Rows, tasks: int) -> tuple[Tensor, Sums]:
        figures, loss_mask_BT = rows.figures, rows.loss_mask_BT
        with autocast(network.device, self.dtype):
            new_BT = token_log_probs(network, rows, self.temperature)
        policy_BT, outside_BT = clipped(new_BT, figures["old"], figures["advantage"], self.clip)
        distance = self.distance(new_BT, rows)
        losses_B = mean_of_replies(policy_BT, loss_mask_BT) + self.kl * distance.get("kl", 0.0)
        measures = {**distance, "clipped": mean_of_replies(outside_BT.float(), loss_mask_BT)}
        return losses_B.sum(), self.sums(rows, losses_B, measures, tasks)


def group_advantages(rewards_B: np.ndarray, group: int) -> np.ndarray:
    """Each reward relative to those of its group, (B,): `group` in a row. 0 where all of a group are equal.

    Q prompts have G replies each. The standard deviation divides by G - 1.
    """
    rewards_QG = rewards_B.reshape(-1, group)
    centred_QG = rewards_QG - rewards_QG.mean(1, keepdims=True)
    return (centred_QG / (rewards_QG.std(1, keepdims=True, ddof=1) + _SMALL)).reshape(-1)
