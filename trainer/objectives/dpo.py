"""Direct preference optimisation (Rafailov et al. 2023) on pairs. `count: text` leaves the audio tokens out (Step-Audio-AQAA's
masked DPO).

    loss of a pair = -log σ(β ((log π(chosen) - log π₀(chosen)) - (log π(rejected) - log π₀(rejected))))

π₀ is the network as the stage starts. A log-probability is the sum over the counted tokens of an answer. Of the paper's objective
nothing is left out; there is no label smoothing, no length normalisation and no term of SFT.
"""

import copy
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, logsigmoid

from weft.schemas.objectives import Dpo
from weft.schemas.vocabulary import Vocabulary
from weft.trainer.models.network import Network
from weft.trainer.objectives.base import Objective, Rows, Sums, autocast
from weft.trainer.objectives.pairs import check_pairs, pairs_of, preference_sums, present_documents, tasks_of
from weft.trainer.stream import Batch


class DpoObjective(Objective):
    """Rows hold pairs alone: documents 0 and 1 are the chosen and the rejected answer of the first pair, 2 and 3 of the second, …"""

    uses_dropout: ClassVar[bool] = False  # π₀ has none, and with equal weights the two are to be equal

    def __init__(self, settings: Dpo, vocabulary: Vocabulary, dtype: str) -> None:
        self.beta, self.dtype = settings.beta, dtype
        self._counts_V = counted_tokens(vocabulary, settings.count)

    def begin(self, network: Network) -> None:
        self._reference = copy.deepcopy(network).eval().requires_grad_(False)

    def units(self, batch: Batch) -> int:
        """The pairs of the batch."""
        return pairs_of(batch)

    def loss(self, network: Network, rows: Rows, tasks: int) -> tuple[Tensor, Sums]:
        counted_BT = rows.loss_mask_BT & self._counts_V.to(rows.ids_BT.device)[rows.ids_BT]
        with autocast(network.device, self.dtype):
            policy_P2 = answers(network, rows, counted_BT)
            with torch.no_grad():
                reference_P2 = answers(self._reference, rows, counted_BT)
        rewards_P2 = self.beta * (policy_P2 - reference_P2)
        margins_P = rewards_P2[:, 0] - rewards_P2[:, 1]
        losses_P = -logsigmoid(margins_P)
        return losses_P.sum(), preference_sums(losses_P, margins_P, tasks_of(rows), tasks)


def counted_tokens(vocabulary: Vocabulary, count: str) -> Tensor:
    """Which ids count in an answer's log-probability, (size,) bool: those of text, or with "all" every one."""
    return torch.from_numpy((vocabulary.modalities() == "text") | (count == "all"))


def answers(network: Network, rows: Rows, counted_BT: Tensor) -> Tensor:
    """The log-probability of each pair's chosen and rejected answer, (P, 2) float32, in the order of the rows.

    Raises ValueError for a row with an odd number of documents, and for an answer of which no token counts.
    """
    check_pairs(rows)
    documents = int(rows.documents_BT.max()) + 1
    sums_BD = rows.documents_BT.new_zeros((len(rows.ids_BT), documents), dtype=torch.float32)
    counts_BD = torch.zeros_like(sums_BD)
    shifted_BT = counted_BT[:, 1:]
    keep_K = shifted_BT.any(0).nonzero().squeeze(1)
    logits_BKV = network(rows.ids_BT, rows.positions_BT, rows.documents_BT, keep_K, rows.latents)
    counted_BK = shifted_BT[:, keep_K]
    chances_N = -cross_entropy(logits_BKV[counted_BK].float(), rows.ids_BT[:, keep_K + 1][counted_BK], reduction="none")
    row_N, column_N = counted_BK.nonzero(as_tuple=True)
    place = (row_N, rows.documents_BT[:, keep_K + 1][row_N, column_N])
    sums_BD = sums_BD.index_put(place, chances_N, accumulate=True)
    counts_BD.index_put_(place, torch.ones_like(chances_N), accumulate=True)
    there_BD = present_documents(rows)
    if (counts_BD[there_BD] == 0).any():
        raise ValueError("an answer of a pair has no token that counts; with `count: text` each answer needs text")
    return sums_BD[there_BD].view(-1, 2)
