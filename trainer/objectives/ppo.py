"""Proximal policy optimisation of replies (Schulman et al. 2017; as Ouyang et al. 2022 use it).

    reward of a token = -β · (log π(token) - log π₀(token)), and for the last one the reply's reward besides
    loss of a reply = mean over its tokens of  -min(ratio · advantage, clip(ratio, 1 ± ε) · advantage) + ½ · critic's clipped error²

π₀ is the network as the stage starts. The critic is a copy of the LM's layers with a number for a head. Left out: the entropy bonus,
mini-batches within an epoch, an adaptive β, and Ouyang's term of pretraining.
"""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from weft.schemas.objectives import Ppo
from weft.trainer.models.heads import Critic
from weft.trainer.models.network import Network
from weft.trainer.objectives.base import Rows, Sums, autocast
from weft.trainer.objectives.log_probs import clipped, mean_of_replies, token_log_probs
from weft.trainer.objectives.on_prompts import OnPromptsObjective, Practice
from weft.trainer.scoring import Scores
from weft.trainer.stream import Batch

_SMALL = 1e-8


class PpoObjective(OnPromptsObjective):
    """The figures of a batch: `old`, `reference` (not where `kl` is 0), `expected`, `advantages` and `returns`, each (B, T).

    The network gets a critic.
    """

    def __init__(self, settings: Ppo, practice: Practice) -> None:
        super().__init__(settings, practice)
        self._gamma, self._lambda = settings.gamma, settings.gae_lambda

    def begin(self, network: Network) -> None:
        super().begin(network)
        network.critic = Critic.of(network.lm, network.width)

    @property
    def group(self) -> int:
        return 1

    def judged(self, network: Network, batch: Batch, scores: Scores) -> Batch:
        old_BT, reference = batch.figures["old"], self.reference(network, batch)
        expected_BT = self.measured(network, batch, lambda rows: expected(network, rows))
        rewards_BT = -self.kl * (old_BT - reference.get("reference", old_BT))
        for row, loss_mask_T in enumerate(batch.loss_mask_BT):
            rewards_BT[row, np.flatnonzero(loss_mask_T)[-1]] += scores.total[row]
        advantages_BT = advantages(
            rewards_BT, expected_BT, batch.loss_mask_BT, gamma=self._gamma, smoothing=self._lambda
        )
        figures = {
            **batch.figures,
            **reference,
            "expected": expected_BT,
            "returns": advantages_BT + expected_BT,
            "advantages": whitened(advantages_BT, batch.loss_mask_BT),
        }
        return replace(batch, figures=figures)

    def loss(self, network: Network, rows: Rows, tasks: int) -> tuple[Tensor, Sums]:
        figures, loss_mask_BT = rows.figures, rows.loss_mask_BT
        with autocast(network.device, self.dtype):
            new_BT = token_log_probs(network, rows, self.temperature)
            values_BT = expected(network, rows)
        policy_BT, outside_BT = clipped(new_BT, figures["old"], figures["advantages"], self.clip)
        errors_BT = self._errors(values_BT, figures["expected"], figures["returns"])
        losses_B = mean_of_replies(policy_BT + errors_BT, loss_mask_BT)
        measures = {
            **self.distance(new_BT, rows),
            "clipped": mean_of_replies(outside_BT.float(), loss_mask_BT),
            "critic": mean_of_replies(errors_BT, loss_mask_BT),
        }
        return losses_B.sum(), self.sums(rows, losses_B, measures, tasks)

    def _errors(self, values_BT: Tensor, before_BT: Tensor, returns_BT: Tensor) -> Tensor:
        """Half the squared error of the critic, the larger of it and that of an estimate that moved by `clip` at most."""
        near_BT = before_BT + (values_BT - before_BT).clamp(-self.clip, self.clip)
        return 0.5 * torch.maximum((values_BT - returns_BT) ** 2, (near_BT - returns_BT) ** 2)


def expected(network: Network, rows: Rows) -> Tensor:
    """What the critic expects before each token, (B, T) float32; 0 outside of the loss mask."""
    assert network.critic is not None
    states_BTE = network.embedded(rows.ids_BT, rows.latents)
    values_BT = network.critic(states_BTE, rows.positions_BT, rows.documents_BT)
    return pad(values_BT[:, :-1], (1, 0)) * rows.loss_mask_BT


def advantages(
    rewards_BT: np.ndarray, expected_BT: np.ndarray, loss_mask_BT: np.ndarray, gamma: float, smoothing: float
) -> np.ndarray:
    """Generalised advantage estimates (Schulman et al. 2016, eq. 16), (B, T) float32; 0 outside of the loss mask.

    Nothing is expected after the last token of a reply.
    """
    estimates_BT = np.zeros_like(rewards_BT, np.float32)
    after_B, next_B = np.zeros(len(rewards_BT)), np.zeros(len(rewards_BT))
    for t in reversed(range(rewards_BT.shape[1])):
        is_target_B = loss_mask_BT[:, t]
        change_B = rewards_BT[:, t] + gamma * next_B - expected_BT[:, t]
        after_B = np.where(is_target_B, change_B + gamma * smoothing * after_B, 0.0)
        next_B = np.where(is_target_B, expected_BT[:, t], 0.0)
        estimates_BT[:, t] = after_B
    return estimates_BT


def whitened(values_BT: np.ndarray, loss_mask_BT: np.ndarray) -> np.ndarray:
    """The values with mean 0 and variance 1 over the tokens that count; 0 outside."""
    chosen = values_BT[loss_mask_BT]
    return ((values_BT - chosen.mean()) / np.sqrt(chosen.var() + _SMALL) * loss_mask_BT).astype(np.float32)
