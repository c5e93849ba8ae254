"""The stage's own objective on held-out samples, task by task, measured between two steps of training.

    held_out = select(Path("corpus/shards/validation"), stage, vocabulary.size)
    held_out.losses(network, objective, step=100)   (ValidationRow(100, "text", 5.1, 9120), …)

Of preference pairs it is the loss and the accuracy against the network that the stage started from. It is measured on the first
`samples` draws of each task of the stage, packed as in training: always on the same tokens. Training is
not changed: there is no gradient and no dropout, and random generators are restored.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from math import isfinite
from pathlib import Path

import torch

from weft.schemas.training import TrainingStage
from weft.trainer.finite import Diverged
from weft.trainer.index import Index
from weft.trainer.loader import Draw, DrawReader, OpenTar, mapped
from weft.trainer.losses import ValidationRow
from weft.trainer.models.encoders import NO_ENCODERS, FrozenEncoders
from weft.trainer.models.network import Network
from weft.trainer.objectives.base import Objective, Sums, micro_rows
from weft.trainer.packing import pack
from weft.trainer.stream import Batch, StreamState, batch_of
from weft.trainer.unsupported import check_whole_pairs

SPLIT = "validation"


@dataclass(frozen=True)
class Validation:
    """The held-out draws of a stage, and the tasks they are of."""

    folder: Path
    draws: tuple[Draw, ...]
    context: int
    every: int
    forward_tokens: int

    def due(self, step: int, last: int) -> bool:
        """Whether the loss is measured after step `step`; after the last it always is."""
        return step % self.every == 0 or step == last

    def batches(self) -> Iterator[Batch]:
        """All draws, packed into batches of one forward each."""
        blocks = pack(self.draws, self.context)
        while group := list(islice(blocks, max(1, self.forward_tokens // self.context))):
            yield batch_of(group, self.context, StreamState())

    def losses(
        self, network: Network, objective: Objective, step: int, encoders: FrozenEncoders = NO_ENCODERS
    ) -> tuple[ValidationRow, ...]:
        """A row for each task. Raises Diverged when a loss is not finite."""
        totals = dict.fromkeys(sorted({draw.task for draw in self.draws}), Sums.none(1))
        with measuring(network):
            for batch in self.batches():
                for rows in micro_rows(batch, network.device, self.forward_tokens, encoders):
                    _, part = objective.loss(network, rows, len(batch.tasks))
                    for number, task in enumerate(batch.tasks):
                        totals[task] += part.of(number)
        if bad := [task for task, total in totals.items() if not isfinite(total.nats[0])]:
            raise Diverged(f"the validation loss of {', '.join(bad)} at step {step} is not finite")
        return tuple(
            ValidationRow(
                step=step,
                task=task,
                loss=float(total.nats[0] / total.counts[0]),
                tokens=int(total.counts[0]),
                metrics={name: float(value[0] / total.counts[0]) for name, value in total.metrics.items()},
            )
            for task, total in totals.items()
        )


def select(folder: Path, stage: TrainingStage, size: int, open_tar: OpenTar = mapped) -> Validation:
    """The first held-out draws of each task of the stage; `size` is that of the vocabulary.

    Raises ValueError when a draw is of another split, when an id lies outside the vocabulary, and when a task has no counted token.
    """
    draws = DrawReader(folder, open_tar=open_tar)
    check_whole_pairs(draws.index, stage)
    positions = list(first_draws(draws.index, stage))
    # copies, so that no tar stays open during the run
    held_out = tuple(
        Draw(
            position=d.position,
            task=d.task,
            ids=d.ids.copy(),
            loss=d.loss.copy(),
            bounds=d.bounds.copy(),
            stretches=d.stretches,
        )
        for d in draws.pick(positions)
    )
    validation = Validation(
        folder=folder,
        draws=held_out,
        context=stage.context,
        every=stage.validation.every,
        forward_tokens=stage.forward_tokens,
    )
    tasks_with_targets: set[str] = set()
    for batch in validation.batches():
        batch.check_ids(size, folder)
        tasks_with_targets |= {batch.tasks[n] for n in set(batch.labels_BT[batch.loss_mask_BT].tolist())}
    if empty := sorted({draw.task for draw in held_out} - tasks_with_targets):
        raise ValueError(f"{folder}: no token counts in the loss in the held-out samples of {', '.join(empty)}")
    return validation


def first_draws(index: Index, stage: TrainingStage) -> Iterator[int]:
    """Positions of the first `samples` draws of each task, in order. Raises ValueError for a draw of another split."""
    left = dict.fromkeys(stage.mixture.weights, stage.validation.samples)
    for first, table in index.groups(["task", "split"]):
        columns = (table.column("task").to_pylist(), table.column("split").to_pylist())
        for position, (task, split) in enumerate(zip(*columns, strict=True), first):
            if split != SPLIT:
                raise ValueError(f"{index.path}: draw {position} is of split {split!r}, not held out for validation")
            if left.get(task):
                left[task] -= 1
                yield position
        if not any(left.values()):
            return


@contextmanager
def measuring(network: Network) -> Iterator[None]:
    """Turns dropout and gradients off; restores the model's mode and all random generators afterwards."""
    cuda = [network.device] if network.device.type == "cuda" else []
    training = network.training
    with torch.random.fork_rng(cuda), torch.no_grad():
        network.eval()
        try:
            yield
        finally:
            network.train(training)
