"""Log-probabilities of the tokens that count, where they stand, and the clipped objective on them."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from weft.trainer.models.network import Network
from weft.trainer.objectives.base import Rows


def token_log_probs(network: Network, rows: Rows, temperature: float) -> Tensor:
    """(B, T) float32: of each target, given all tokens before it, at a temperature; 0 elsewhere."""
    counted_BT = rows.loss_mask_BT[:, 1:]
    keep_K = counted_BT.any(0).nonzero().squeeze(1)
    counted_BK = counted_BT[:, keep_K]
    logits_BKV = network(rows.ids_BT, rows.positions_BT, rows.documents_BT, keep_K, rows.latents)
    targets_N = rows.ids_BT[:, keep_K + 1][counted_BK]
    chances_N = -cross_entropy(logits_BKV[counted_BK].float() / temperature, targets_N, reduction="none")
    row_N, column_N = counted_BK.nonzero(as_tuple=True)
    empty_BT = torch.zeros(rows.ids_BT.shape, device=chances_N.device)
    return empty_BT.index_put((row_N, keep_K[column_N] + 1), chances_N)


def clipped(new_BT: Tensor, old_BT: Tensor, advantages_BT: Tensor, clip: float) -> tuple[Tensor, Tensor]:
    """PPO's loss of each token (Schulman et al. 2017, eq. 7), and where the ratio lies outside of 1 ± clip, both (B, T)."""
    ratio_BT = (new_BT - old_BT).exp()
    bounded_BT = ratio_BT.clamp(1 - clip, 1 + clip)
    return -torch.minimum(ratio_BT * advantages_BT, bounded_BT * advantages_BT), ratio_BT != bounded_BT


def divergence(new_BT: Tensor, reference_BT: Tensor) -> Tensor:
    """An unbiased estimate of the KL divergence from the reference at each token, which is never negative (Schulman 2020)."""
    difference_BT = reference_BT - new_BT
    return difference_BT.exp() - difference_BT - 1


def mean_of_replies(values_BT: Tensor, loss_mask_BT: Tensor) -> Tensor:
    """The mean of each row over its tokens that count, (B,) float32."""
    return (values_BT * loss_mask_BT).sum(1) / loss_mask_BT.sum(1)
