"""Refuses a stream without tokens that count in the loss, before the first step.

    check_counted(index, context=4096)
    ValueError: …/index.parquet: in none of the 48,211 draws of task words does a token count in the loss; …

Reads the `loss` column alone, a row group at a time. A sample may have no counted token. A task without any is refused, and so is
a long run of a task's samples, or of batches, without any.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from weft.trainer.index import LABELS, Index, document_bounds, loss_bounds
from weft.trainer.prompts import PromptBatch
from weft.trainer.stream import Batch

Drawn = Batch | PromptBatch
LONGEST_RUN = 1000  # consecutive draws of one task without a counted token
EMPTY_BATCHES = 10  # consecutive batches without a counted token
_REMEDY = "`weft audit CORPUS --deep` compares the index with the samples"


@dataclass(slots=True)
class _Task:
    """The number of draws of a task so far, and the last of them with a counted token (-1: none)."""

    draws: int = 0
    last: int = -1

    def longest_gap(self, counts: np.ndarray) -> int:
        """Adds draws by their numbers of counted tokens, (n,); returns the longest run of draws without any."""
        positions = np.concatenate([[self.last], self.draws + np.flatnonzero(counts), [self.draws + len(counts)]])
        self.draws, self.last = self.draws + len(counts), int(positions[-2])
        return int(np.diff(positions).max()) - 1


def check_counted(index: Index, context: int, longest: int = LONGEST_RUN) -> None:
    """Raises ValueError when a task, or more than `longest` of its draws in a row, have no counted token."""
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


def counted_batches(batches: Iterable[Drawn], folder: Path, longest: int = EMPTY_BATCHES) -> Iterator[Drawn]:
    """Passes batches through. Raises ValueError when more than `longest` in a row have no counted token."""
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
    for _, table in index.groups(["tokens", *LABELS]):
        counts = counted_tokens(table, context)
        tasks = table.column("task").combine_chunks().dictionary_encode()
        numbers = tasks.indices.to_numpy()
        for number, name in enumerate(tasks.dictionary.to_pylist()):
            yield name, counts[numbers == number]


def counted_tokens(table: pa.Table, context: int) -> np.ndarray:
    """The number of counted tokens of each row, (n,) int64.

    A sample is cut every `context` tokens; the first token of a piece or a document is never predicted, so it does not count.
    """
    bounds, edges = loss_bounds(table)
    edges, bounds = edges.astype(np.int64) // 2, bounds.astype(np.int64)
    begins, ends = bounds[::2], bounds[1::2]
    unpredicted = -(-ends // context) - -(-begins // context)
    sums = np.concatenate([[0], np.cumsum(ends - begins - unpredicted)])
    return sums[edges[1:]] - sums[edges[:-1]] - _first_of_documents(table, context)


def _first_of_documents(table: pa.Table, context: int) -> np.ndarray:
    """The number of tokens of each row that begin a later document of it, lie in a span with loss, and do not begin a piece."""
    starts, edges = document_bounds(table)
    loss, loss_edges = loss_bounds(table)
    firsts = np.zeros(len(table), np.int64)
    for row in np.flatnonzero(np.diff(edges)):
        spans = loss[loss_edges[row] : loss_edges[row + 1]].reshape(-1, 2)
        for start in starts[edges[row] : edges[row + 1]]:
            inside = (spans[:, 0] <= start) & (start < spans[:, 1])
            firsts[row] += bool(inside.any() and start % context)
    return firsts
