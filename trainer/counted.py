"""Refuses a stream in which nothing counts in the loss, before a step is spent on it.

    check_counted(index, context=4096)
    ValueError: …/index.parquet: in none of the 48,211 draws of task words does a token count in the loss; …

Read off the `loss` column alone, a row group at a time. A sample without a counted token is allowed; a task without
one is not, nor is a long run of a task's samples, or of batches, without one.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from weft.trainer.index import Index, loss_bounds
from weft.trainer.stream import Batch

LONGEST_RUN = 1000  # draws of one task in a row of which nothing counts
EMPTY_BATCHES = 10  # batches in a row of which nothing counts
_REMEDY = "`weft audit CORPUS --deep` compares the index with the samples"


@dataclass(slots=True)
class _Task:
    """How many draws of a task have been seen, and which of them was the last with a token that counts."""

    draws: int = 0
    last: int = -1

    def longest_gap(self, counts: np.ndarray) -> int:
        """Takes in the next draws' numbers of counted tokens; how many draws in a row had none, at most."""
        marks = np.concatenate([[self.last], self.draws + np.flatnonzero(counts), [self.draws + len(counts)]])
        self.draws, self.last = self.draws + len(counts), int(marks[-2])
        return int(np.diff(marks).max()) - 1


def check_counted(index: Index, context: int, longest: int = LONGEST_RUN) -> None:
    """Raises ValueError when nothing counts in a task, or in more than `longest` of its draws in a row."""
    tasks: dict[str, _Task] = defaultdict(_Task)
    for name, counts in _counts(index, context):
        if (gap := tasks[name].longest_gap(counts)) > longest and tasks[name].last >= 0:
            raise ValueError(
                f"{index.path}: no token counts in the loss in {gap:,} draws of task {name} in a row; {_REMEDY}"
            )
    for name, task in tasks.items():
        if task.last < 0:
            raise ValueError(
                f"{index.path}: in none of the {task.draws:,} draws of task {name} does a token count in the loss; {_REMEDY}"
            )


def counted_batches(batches: Iterable[Batch], folder: Path, longest: int = EMPTY_BATCHES) -> Iterator[Batch]:
    """The batches as they come. Raises ValueError when nothing counts in more than `longest` of them in a row."""
    empty = 0
    for batch in batches:
        empty = 0 if batch.counted else empty + 1
        if empty > longest:
            raise ValueError(
                f"{folder}: no token counts in the loss in {empty} batches in a row, up to that of step "
                f"{batch.after.step} (tasks {', '.join(batch.tasks)}); {_REMEDY}"
            )
        yield batch


def _counts(index: Index, context: int) -> Iterator[tuple[str, np.ndarray]]:
    """The numbers of counted tokens of each task's draws, in order, a row group at a time."""
    for _, table in index.groups(["task", "tokens", "loss"]):
        counts = counted_tokens(table, context)
        tasks = table.column("task").combine_chunks().dictionary_encode()
        numbers = tasks.indices.to_numpy()
        for number, name in enumerate(tasks.dictionary.to_pylist()):
            yield name, counts[numbers == number]


def counted_tokens(table: pa.Table, context: int) -> np.ndarray:
    """How many tokens of each row are predicted and count, (n,) int64.

    A sample is cut every `context` tokens; the first token of a cut has none before it that could predict it.
    """
    bounds, edges = loss_bounds(table)
    edges, bounds = edges.astype(np.int64) // 2, bounds.astype(np.int64)
    begins, ends = bounds[::2], bounds[1::2]
    first_tokens = -(-ends // context) - -(-begins // context)
    sums = np.concatenate([[0], np.cumsum(ends - begins - first_tokens)])
    return sums[edges[1:]] - sums[edges[:-1]]
