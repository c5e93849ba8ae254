"""Masked next-token cross entropy, with sums per task for the loss curves.

    nats, sums = next_token(model, rows, tasks=2)      sums.nats = [812.4, 90.1], sums.counts = [310, 42]

The loss of a step is nats / counted: the mean over all counted targets of the global batch. Micro-batches and ranks each add their
nats, so the way a batch is split does not change the loss.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from weft.trainer.model import forward
from weft.trainer.stream import Batch


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a batch on a device: (B, T) int64, and targets (B, T) bool."""

    ids_BT: Tensor
    positions_BT: Tensor
    documents_BT: Tensor
    targets_BT: Tensor
    labels_BT: Tensor


@dataclass(frozen=True, slots=True)
class Sums:
    """Nats (float64) and counted targets (int64) of each task of a batch."""

    nats: np.ndarray
    counts: np.ndarray

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(self.nats + other.nats, self.counts + other.counts)

    @classmethod
    def none(cls, tasks: int) -> "Sums":
        return cls(np.zeros(tasks), np.zeros(tasks, np.int64))


def rows_of(batch: Batch, rows: slice, device: torch.device) -> Rows:
    """Rows of a batch as tensors."""
    arrays = (batch.ids_BT, batch.positions_BT, batch.documents_BT)
    ids_BT, positions_BT, documents_BT = (torch.from_numpy(a[rows].astype(np.int64)).to(device) for a in arrays)
    targets_BT = torch.from_numpy(batch.targets_BT[rows]).to(device)
    labels_BT = torch.from_numpy(batch.labels_BT[rows].astype(np.int64)).to(device)
    return Rows(
        ids_BT=ids_BT,
        positions_BT=positions_BT,
        documents_BT=documents_BT,
        targets_BT=targets_BT,
        labels_BT=labels_BT,
    )


def autocast(device: torch.device, dtype: str) -> torch.autocast:
    """Autocast for a forward: matrix products in bfloat16 where `dtype` is bfloat16."""
    return torch.autocast(device.type, torch.bfloat16, enabled=dtype == "bfloat16")


def micro_rows(batch: Batch, device: torch.device, tokens: int) -> Iterator[Rows]:
    """The batch's rows, at most `tokens` tokens at a time but at least one row; rows without counted tokens are left out."""
    size = max(1, tokens // batch.ids_BT.shape[1])
    for first in range(0, len(batch.ids_BT), size):
        rows = slice(first, first + size)
        if batch.targets_BT[rows].any():
            yield rows_of(batch, rows, device)


def next_token(model: PreTrainedModel, rows: Rows, tasks: int) -> tuple[Tensor, Sums]:
    """The nats of all counted targets, summed (scalar float32, with a gradient), and the detached sums per task.

    The head runs only where some row has a target. At least one target must count.
    """
    counted_BT = rows.targets_BT[:, 1:]
    keep_K = counted_BT.any(0).nonzero().squeeze(1)
    counted_BK = counted_BT[:, keep_K]
    logits_BKV = forward(model, rows.ids_BT, rows.positions_BT, rows.documents_BT, keep_K)
    targets_N = rows.ids_BT[:, keep_K + 1][counted_BK]
    nats_N = cross_entropy(logits_BKV[counted_BK].float(), targets_N, reduction="none")
    return nats_N.sum(), _sums(nats_N, rows.labels_BT[:, keep_K + 1][counted_BK], tasks)


def _sums(nats_N: Tensor, labels_N: Tensor, tasks: int) -> Sums:
    labels, nats = labels_N.cpu().numpy(), nats_N.detach().cpu().double().numpy()
    return Sums(np.bincount(labels, nats, tasks), np.bincount(labels, minlength=tasks))
