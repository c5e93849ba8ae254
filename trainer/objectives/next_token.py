"""Cross entropy of the next token, over the tokens that count in the loss."""

import numpy as np
from torch import Tensor
from torch.nn.functional import cross_entropy

from weft.trainer.models.network import Network
from weft.trainer.objectives.base import Objective, Rows, Sums, autocast


class NextTokenObjective(Objective):
    """The loss of language models; nothing is left out. `dtype` is that of the forward."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype

    def loss(self, network: Network, rows: Rows, tasks: int) -> tuple[Tensor, Sums]:
        with autocast(network.device, self.dtype):
            return next_token(network, rows, tasks)


def next_token(network: Network, rows: Rows, tasks: int) -> tuple[Tensor, Sums]:
    """The nats of all tokens that count, summed (scalar float32, with a gradient), and the detached sums per task.

    The head runs only where some row has a target. At least one target must count.
    """
    counted_BT = rows.loss_mask_BT[:, 1:]
    keep_K = counted_BT.any(0).nonzero().squeeze(1)
    counted_BK = counted_BT[:, keep_K]
    logits_BKV = network(rows.ids_BT, rows.positions_BT, rows.documents_BT, keep_K, rows.latents)
    targets_N = rows.ids_BT[:, keep_K + 1][counted_BK]
    nats_N = cross_entropy(logits_BKV[counted_BK].float(), targets_N, reduction="none")
    return nats_N.sum(), _sums(nats_N, rows.labels_BT[:, keep_K + 1][counted_BK], tasks)


def _sums(nats_N: Tensor, labels_N: Tensor, tasks: int) -> Sums:
    labels, nats = labels_N.cpu().numpy(), nats_N.detach().cpu().double().numpy()
    return Sums(nats=np.bincount(labels, nats, tasks), counts=np.bincount(labels, minlength=tasks))
