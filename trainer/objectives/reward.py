"""A reward model from preference pairs (Bradley and Terry 1952; Ouyang et al. 2022, §3.5).

    loss of a pair = -log σ(r(prompt, chosen) - r(prompt, rejected))

r is a linear score of the last layer's state at the answer's last token. Left out: several answers a prompt (a pair is two of them),
and centring the scores afterwards.
"""

from torch import Tensor
from torch.nn.functional import logsigmoid

from weft.trainer.models.heads import ScoreHead, last_tokens
from weft.trainer.models.network import Network
from weft.trainer.objectives.base import Objective, Rows, Sums, autocast
from weft.trainer.objectives.pairs import check_pairs, pairs_of, preference_sums, tasks_of
from weft.trainer.stream import Batch


class RewardObjective(Objective):
    """Rows hold pairs alone, as those of DPO. The network gets a score."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype

    def begin(self, network: Network) -> None:
        network.score = ScoreHead(network.width).to(network.device)

    def units(self, batch: Batch) -> int:
        """The pairs of the batch."""
        return pairs_of(batch)

    def loss(self, network: Network, rows: Rows, tasks: int) -> tuple[Tensor, Sums]:
        with autocast(network.device, self.dtype):
            scores_P2 = document_scores(network, rows).view(-1, 2)
        margins_P = scores_P2[:, 0] - scores_P2[:, 1]
        losses_P = -logsigmoid(margins_P)
        return losses_P.sum(), preference_sums(losses_P, margins_P, tasks_of(rows), tasks)


def document_scores(network: Network, rows: Rows) -> Tensor:
    """The score of each document of a pair, (2 P,) float32, in the order of the rows. Raises ValueError for rows of no pairs."""
    check_pairs(rows)
    return scores_at_ends(network, rows)


def scores_at_ends(network: Network, rows: Rows) -> Tensor:
    """The reward model's score of each document, (D,) float32, in the order of the rows."""
    assert network.score is not None
    states_BTE = network.states(rows.ids_BT, rows.positions_BT, rows.documents_BT, rows.latents)
    scores_D: Tensor = network.score(states_BTE[last_tokens(rows.documents_BT)])
    return scores_D
