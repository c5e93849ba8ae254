"""What a stage learns from a batch: a loss to be lowered, and sums of it by task for the curves.

    objective = objective_of(stage, vocabulary, inputs)
    objective.begin(network)
    loss, sums = objective.loss(network, rows, tasks=2)      sums.nats = [812.4, 90.1], sums.counts = [310, 42]

The loss of a step is the sum over the batch divided by its units (tokens, pairs or replies). Micro-batches add their sums, so the way
a batch is split does not change the loss.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from weft.trainer.models.encoders import NO_ENCODERS, FrozenEncoders, latents_of
from weft.trainer.models.network import Latent, Network
from weft.trainer.stream import Batch


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a batch on a device: (B, T) int64, loss mask (B, T) bool, the latents that stand in them, and the batch's figures."""

    ids_BT: Tensor
    positions_BT: Tensor
    documents_BT: Tensor
    loss_mask_BT: Tensor
    labels_BT: Tensor
    latents: tuple[Latent, ...] = ()
    figures: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sums:
    """Losses (nats, float64) and units (counted tokens or pairs, int64) of each task of a batch, and sums of further measures."""

    nats: np.ndarray
    counts: np.ndarray
    metrics: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __add__(self, other: "Sums") -> "Sums":
        nothing = np.zeros(len(self.nats))
        names = dict.fromkeys((*self.metrics, *other.metrics))
        metrics = {name: self.metrics.get(name, nothing) + other.metrics.get(name, nothing) for name in names}
        return Sums(nats=self.nats + other.nats, counts=self.counts + other.counts, metrics=metrics)

    def of(self, number: int) -> "Sums":
        """Those of one task."""
        metrics = {name: values[[number]] for name, values in self.metrics.items()}
        return Sums(nats=self.nats[[number]], counts=self.counts[[number]], metrics=metrics)

    def total(self) -> "Sums":
        """Those of all tasks as one."""
        metrics = {name: values.sum(keepdims=True) for name, values in self.metrics.items()}
        return Sums(nats=self.nats.sum(keepdims=True), counts=self.counts.sum(keepdims=True), metrics=metrics)

    @classmethod
    def none(cls, tasks: int) -> "Sums":
        return cls(nats=np.zeros(tasks), counts=np.zeros(tasks, np.int64))


def rows_of(batch: Batch, rows: slice, device: torch.device, encoders: FrozenEncoders = NO_ENCODERS) -> Rows:
    """Rows of a batch as tensors, with the encoders' frames for their latents."""
    arrays = (batch.ids_BT, batch.positions_BT, batch.documents_BT)
    ids_BT, positions_BT, documents_BT = (torch.from_numpy(a[rows].astype(np.int64)).to(device) for a in arrays)
    loss_mask_BT = torch.from_numpy(batch.loss_mask_BT[rows]).to(device)
    labels_BT = torch.from_numpy(batch.labels_BT[rows].astype(np.int64)).to(device)
    return Rows(
        ids_BT=ids_BT,
        positions_BT=positions_BT,
        documents_BT=documents_BT,
        loss_mask_BT=loss_mask_BT,
        labels_BT=labels_BT,
        latents=latents_of(batch.latents[rows], batch.ids_BT.shape[1], device, encoders),
        figures={name: torch.from_numpy(values[rows]).to(device) for name, values in batch.figures.items()},
    )


def autocast(device: torch.device, dtype: str) -> torch.autocast:
    """Autocast for a forward: matrix products in bfloat16 where `dtype` is bfloat16."""
    return torch.autocast(device.type, torch.bfloat16, enabled=dtype == "bfloat16")


def micro_rows(
    batch: Batch, device: torch.device, tokens: int, encoders: FrozenEncoders = NO_ENCODERS
) -> Iterator[Rows]:
    """The batch's rows, at most `tokens` tokens at a time but at least one row; rows without counted tokens are left out."""
    size = max(1, tokens // batch.ids_BT.shape[1])
    for first in range(0, len(batch.ids_BT), size):
        rows = slice(first, first + size)
        if batch.loss_mask_BT[rows].any():
            yield rows_of(batch, rows, device, encoders)


class Objective(ABC):
    """One objective; its file says what it leaves out of its paper. With `uses_dropout` False it trains without dropout."""

    uses_dropout: ClassVar[bool] = True

    def begin(self, network: Network) -> None:  # noqa: B027 - most objectives need nothing of it
        """Takes what it needs of the network as the stage starts. By default nothing."""

    def batches(self, network: Network, drawn: Any) -> Iterator[Batch]:
        """The batches of a step, an update for each: what was drawn from the stream, unless the objective makes others of it."""
        yield drawn

    def end(self) -> None:  # noqa: B027 - most objectives have nothing to say
        """Tells what is to be told of a stage as it ends. By default nothing."""

    def units(self, batch: Batch) -> int:
        """What the loss of a batch is a mean over: the tokens that count in it."""
        return batch.counted

    @abstractmethod
    def loss(self, network: Network, rows: Rows, tasks: int) -> tuple[Tensor, Sums]:
        """The loss summed over the rows (scalar float32, with a gradient), and the detached sums per task."""
