"""Of how many held-out preference pairs a network finds the chosen answer likelier than the rejected one.

    preferred(network, pairs, counted_in_pairs(recipe, vocabulary), EvaluationSettings(contents=…))        Preferred(right=19, pairs=32)

It needs no reference, so stages before and after DPO can be compared; DPO's own accuracy is against the weights that it starts from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from weft.schemas.recipe import Recipe
from weft.schemas.vocabulary import Vocabulary
from weft.trainer.evaluation.held_out import HeldOut
from weft.trainer.evaluation.measuring import EvaluationSettings
from weft.trainer.models.network import Network
from weft.trainer.objectives.base import Rows, autocast, micro_rows
from weft.trainer.objectives.dpo import answers, counted_tokens
from weft.trainer.validation import measuring


@dataclass(frozen=True, slots=True)
class Preferred:
    """Of `pairs` pairs `right` have a chosen answer that is the likelier."""

    right: int
    pairs: int

    @property
    def share(self) -> float:
        return self.right / self.pairs


def counted_in_pairs(recipe: Recipe, vocabulary: Vocabulary) -> dict[str, Tensor]:
    """Which ids count in the probability of an answer, (V,) bool by task: those that the first DPO trained on the task counts. Tasks
    that are not named have no DPO: all their tokens count.
    """
    counted: dict[str, Tensor] = {}
    for stage in recipe.training.values():
        if stage.objective.use == "dpo":
            ids_V = counted_tokens(vocabulary, stage.objective.count)
            counted = dict.fromkeys(stage.mixture.tasks, ids_V) | counted
    return counted


def preferred(network: Network, pairs: HeldOut, counted: Mapping[str, Tensor], how: EvaluationSettings) -> Preferred:
    """By the sum of the log-probabilities of an answer's tokens that count, as `counted_in_pairs` says. Raises ValueError for an answer
    that has none.
    """
    right = number = 0
    with measuring(network):
        for batch, _ in pairs.batches(how.forward_tokens):
            for rows in micro_rows(batch, network.device, how.forward_tokens, how.encoders):
                with autocast(network.device, how.dtype):
                    chances_P2 = answers(network, rows, rows.loss_mask_BT & _counts(rows, batch.tasks, counted))
                right += int((chances_P2[:, 0] > chances_P2[:, 1]).sum())
                number += len(chances_P2)
    return Preferred(right=right, pairs=number)


def _counts(rows: Rows, tasks: Sequence[str], counted: Mapping[str, Tensor]) -> Tensor:
    """Whether each token is of those that count in its task, (B, T) bool."""
    counts_BT = torch.ones_like(rows.ids_BT, dtype=torch.bool)
    for number, task in enumerate(tasks):
        if task in counted:
            ids_V = counted[task].to(rows.ids_BT.device)
            counts_BT &= ids_V[rows.ids_BT] | (rows.labels_BT != number)
    return counts_BT
