"""Of how many held-out preference pairs a network finds the chosen answer likelier than the rejected one.

    preferred(network, pairs, counted_V, EvaluationSettings(contents=…))        Preferred(right=19, pairs=32)

It needs no reference, so stages before and after DPO can be compared; DPO's own accuracy is against the weights that it starts from.
"""

from dataclasses import dataclass

from torch import Tensor

from weft.schemas.recipe import Recipe
from weft.schemas.vocabulary import Vocabulary
from weft.trainer.evaluation.held_out import HeldOut
from weft.trainer.evaluation.measuring import EvaluationSettings
from weft.trainer.models.network import Network
from weft.trainer.objectives.base import autocast, micro_rows
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


def counted_in_pairs(recipe: Recipe, vocabulary: Vocabulary) -> Tensor:
    """Which ids count in the probability of an answer, (size,) bool: those that the recipe's first DPO counts; all without one."""
    counts = [stage.objective.count for stage in recipe.training.values() if stage.objective.use == "dpo"]
    return counted_tokens(vocabulary, counts[0] if counts else "all")


def preferred(network: Network, pairs: HeldOut, counted_V: Tensor, how: EvaluationSettings) -> Preferred:
    """By the sum of the log-probabilities of an answer's counted tokens. Raises ValueError for an answer that has none."""
    right = number = 0
    counted_V = counted_V.to(network.device)
    with measuring(network):
        for batch, _ in pairs.batches(how.forward_tokens):
            for rows in micro_rows(batch, network.device, how.forward_tokens, how.encoders):
                with autocast(network.device, how.dtype):
                    chances_P2 = answers(network, rows, rows.loss_mask_BT & counted_V[rows.ids_BT])
                right += int((chances_P2[:, 0] > chances_P2[:, 1]).sum())
                number += len(chances_P2)
    return Preferred(right=right, pairs=number)
