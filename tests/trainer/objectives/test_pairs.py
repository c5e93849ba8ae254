"""Pairs are counted for the task that they are of, and documents that are no pairs are refused."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from weft.trainer.loader import DrawReader
from weft.trainer.objectives.base import Rows, rows_of
from weft.trainer.objectives.pairs import check_pairs, pairs_of, preference_sums, tasks_of
from weft.trainer.stream import Batch, BatchStream, StreamState


@pytest.fixture
def make_batch(make_shards: Callable[..., Path]) -> Callable[..., Batch]:
    return lambda samples: next(BatchStream(DrawReader(make_shards(samples)), 16, 8).batches(StreamState()))


def pair(task: str, length: int) -> tuple:
    return (task, list(range(1, 2 * length + 1)), (1, length, length + 1, 2 * length), (length,))


def rows(batch: Batch) -> Rows:
    return rows_of(batch, slice(None), torch.device("cpu"))


def test_sums_are_those_of_each_task(make_batch: Callable[..., Batch]) -> None:
    samples = [pair("kind", 4), pair("honest", 3), pair("kind", 5), pair("kind", 2)]
    batch = make_batch(samples)
    assert batch.tasks == ("honest", "kind") and pairs_of(batch) == 4
    tasks_P = tasks_of(rows(batch))
    assert [batch.tasks[n] for n in tasks_P] == [task for task, *_ in samples]
    sums = preference_sums(torch.tensor([1.0, 10.0, 2.0, 3.0]), torch.tensor([0.5, -1.0, -0.5, 2.0]), tasks_P, 2)
    assert (sums.nats.tolist(), sums.counts.tolist()) == ([10.0, 6.0], [1, 3])
    assert {name: values.tolist() for name, values in sums.metrics.items()} == {"accuracy": [0, 2], "margin": [-1, 2]}


def test_documents_that_are_no_pairs_are_refused(make_batch: Callable[..., Batch]) -> None:
    check_pairs(rows(make_batch([pair("kind", 3)] * 5)))
    with pytest.raises(ValueError, match="a row holds documents that are no pairs"):
        check_pairs(rows(make_batch([pair("kind", 3), ("kind", [1, 2, 3], (1, 3))])))
