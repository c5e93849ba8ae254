"""Preference pairs in the rows of a batch: documents 0 and 1 are the chosen and the rejected answer of the first pair, 2 and 3 of the
second, …
"""

import numpy as np
import torch
from torch import Tensor

from weft.trainer.objectives.base import Rows, Sums
from weft.trainer.stream import Batch


def pairs_of(batch: Batch) -> int:
    """The pairs of a batch."""
    return int((batch.documents_BT.max(axis=1, initial=-1) + 1).sum()) // 2


def check_pairs(rows: Rows) -> None:
    """Raises ValueError for a row with an odd number of documents."""
    if (present_documents(rows).sum(1) % 2).any():
        raise ValueError("a row holds documents that are no pairs: this objective takes preference pairs alone")


def present_documents(rows: Rows) -> Tensor:
    """Which documents each row has, (B, D) bool."""
    documents = int(rows.documents_BT.max()) + 1
    return torch.arange(documents, device=rows.ids_BT.device) <= rows.documents_BT.max(1, keepdim=True).values


def tasks_of(rows: Rows) -> np.ndarray:
    """The task of each pair, in the order of the rows."""
    labels = []
    for documents_T, labels_T in zip(rows.documents_BT.cpu().numpy(), rows.labels_BT.cpu().numpy(), strict=True):
        firsts = np.flatnonzero(np.diff(documents_T, prepend=-1) > 0)
        labels += labels_T[firsts][::2].tolist()
    return np.array(labels, np.int64)


def preference_sums(losses_P: Tensor, margins_P: Tensor, labels_P: np.ndarray, tasks: int) -> Sums:
    """Losses, accuracies and margins of pairs by task."""
    losses, margins = (values.detach().cpu().double().numpy() for values in (losses_P, margins_P))
    metrics = {"accuracy": margins > 0, "margin": margins}
    return Sums(
        nats=np.bincount(labels_P, losses, tasks),
        counts=np.bincount(labels_P, minlength=tasks),
        metrics={name: np.bincount(labels_P, values, tasks) for name, values in metrics.items()},
    )
