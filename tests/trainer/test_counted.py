"""A stream, a task or a long run of a task in which nothing counts is refused; a sample without a target is not."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from weft.trainer.counted import check_counted, counted_batches, counted_tokens
from weft.trainer.index import LABELS, Index
from weft.trainer.loader import DrawReader
from weft.trainer.packing import pack
from weft.trainer.stream import BatchStream, StreamState


@pytest.mark.parametrize("context", [3, 16, 64])
def test_tokens_are_counted_as_packing_counts_them(
    make_shards: Callable[..., Path], samples: list, context: int
) -> None:
    pair = ("down", list(range(1, 40)), (0, 4, 7, 16, 16, 39), (4, 9, 16, 18))
    samples = [*samples, ("up", [], ()), ("up", list(range(1, 40)), (0, 0, 3, 16, 16, 17, 32, 33)), pair]
    folder = make_shards(samples)
    tables = Index(folder).groups(["tokens", *LABELS])
    counts = np.concatenate([counted_tokens(table, context) for _, table in tables])
    packed = np.zeros(len(samples), int)
    for block in pack(DrawReader(folder).read(), context):
        for piece in block.pieces:
            packed[piece.draw.position] += piece.loss_mask().sum()
    assert counts.tolist() == packed.tolist()


def test_a_task_in_which_nothing_counts_is_named(make_shards: Callable[..., Path], samples: list) -> None:
    index = Index(make_shards([(task, ids, () if task == "down" else loss) for task, ids, loss in samples]))
    with pytest.raises(ValueError, match="in none of the 34 draws of task down does a token count in the loss; `weft"):
        check_counted(index, 16)


def test_what_only_the_first_token_of_a_cut_would_count_is_nothing(make_shards: Callable[..., Path]) -> None:
    index = Index(make_shards([("up", list(range(1, 40)), (0, 1, 16, 17, 32, 33))]))
    with pytest.raises(ValueError, match="in none of the 1 draws of task up"):
        check_counted(index, 16)
    check_counted(index, 64)


def test_a_long_run_of_one_task_is_refused_across_row_groups(make_shards: Callable[..., Path], samples: list) -> None:
    """Samples 30 to 89 hold 20 of task `down`."""
    index = Index(
        make_shards(
            [(t, ids, () if t == "down" and 30 <= n < 90 else loss) for n, (t, ids, loss) in enumerate(samples)]
        )
    )
    check_counted(index, 16, longest=20)
    with pytest.raises(ValueError, match="in 20 draws of task down in a row"):
        check_counted(index, 16, longest=19)


def test_single_samples_without_a_target_are_no_fault(make_shards: Callable[..., Path], samples: list) -> None:
    check_counted(Index(make_shards([(t, ids, () if n % 2 else loss) for n, (t, ids, loss) in enumerate(samples)])), 16)


def test_a_batch_without_a_target_passes_and_many_in_a_row_do_not(make_shards: Callable[..., Path]) -> None:
    full, silent = ("up", list(range(1, 17)), (0, 16)), ("down", list(range(1, 17)), ())
    stream = BatchStream(
        DrawReader(make_shards([full, *3 * [silent], full, *5 * [silent], full])), context=16, blocks=1
    )
    passed = counted_batches(stream.batches(StreamState()), Path("shards"), longest=5)
    assert [batch.counted for batch in passed] == [15, 0, 0, 0, 15, 0, 0, 0, 0, 0, 15]
    with pytest.raises(ValueError, match=r"in 5 batches in a row, up to that of step 10 \(tasks down\); `weft audit"):
        list(counted_batches(stream.batches(StreamState()), Path("shards"), longest=4))
