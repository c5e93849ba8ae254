"""One global order: any state gives the same next batch, and any number of ranks the same batches."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from weft.trainer.loader import DrawReader
from weft.trainer.stream import Batch, BatchStream, StreamState

ARRAYS = ("ids_BT", "positions_BT", "documents_BT", "loss_mask_BT", "labels_BT")


def same(one: Batch, other: Batch) -> bool:
    arrays = all(np.array_equal(getattr(one, a), getattr(other, a)) for a in ARRAYS)
    return arrays and (one.tasks, one.counted, one.after) == (other.tasks, other.counted, other.after)


def test_a_state_brings_back_the_same_batches(make_shards: Callable[..., Path], samples: list) -> None:
    stream = BatchStream(DrawReader(make_shards(samples)), context=16, blocks=4)
    batches = list(stream.batches(StreamState()))
    assert any(b.after.offset for b in batches), "some batch should end inside a long sample"
    for n, batch in enumerate(batches):
        rest = list(stream.batches(StreamState.from_json(batch.after.to_json())))
        assert len(rest) == len(batches) - n - 1
        assert all(map(same, rest, batches[n + 1 :]))


@pytest.mark.parametrize("world", [2, 3, 5])
def test_ranks_share_out_the_batch_of_one(make_shards: Callable[..., Path], samples: list, world: int) -> None:
    draws = DrawReader(make_shards(samples))
    whole = list(BatchStream(draws, 16, 4).batches(StreamState()))
    parts = [
        list(BatchStream(draws=draws, context=16, blocks=4, rank=rank, world=world).batches(StreamState()))
        for rank in range(world)
    ]
    for n, batch in enumerate(whole):
        for rank in range(world):
            mine = parts[rank][n]
            assert (mine.after, mine.counted, mine.tasks) == (batch.after, batch.counted, batch.tasks)
            assert all(np.array_equal(getattr(mine, a), getattr(batch, a)[rank::world]) for a in ARRAYS)


def test_one_may_resume_with_another_number_of_ranks(make_shards: Callable[..., Path], samples: list) -> None:
    draws = DrawReader(make_shards(samples))
    whole = list(BatchStream(draws, 16, 4).batches(StreamState()))
    halves = [
        list(BatchStream(draws=draws, context=16, blocks=4, rank=r, world=2).batches(whole[3].after)) for r in (0, 1)
    ]
    assert all(np.array_equal(half.ids_BT, full.ids_BT[0::2]) for half, full in zip(halves[0], whole[4:], strict=True))
    assert all(np.array_equal(half.ids_BT, full.ids_BT[1::2]) for half, full in zip(halves[1], whole[4:], strict=True))


def test_batches_hold_every_token_and_know_its_task(make_shards: Callable[..., Path], samples: list) -> None:
    batches = list(BatchStream(DrawReader(make_shards(samples)), 16, 4).batches(StreamState()))
    tokens = {"up": 0, "down": 0}
    for batch in batches:
        assert batch.counted == batch.loss_mask_BT.sum()
        for number, task in enumerate(batch.tasks):
            tokens[task] += int((batch.labels_BT == number).sum())
    assert tokens == {task: sum(len(s[1]) for s in samples if s[0] == task) for task in tokens}


def test_a_state_beyond_the_stream_is_refused(make_shards: Callable[..., Path], samples: list) -> None:
    with pytest.raises(ValueError, match="ends at draw 100"):
        next(BatchStream(DrawReader(make_shards(samples)), 16, 4).batches(StreamState(draw=101)))


def test_a_batch_larger_than_the_stream_is_told(make_shards: Callable[..., Path]) -> None:
    draws = DrawReader(make_shards([("up", range(8), (1, 8)) for _ in range(4)]))  # two blocks
    assert BatchStream(draws, context=16, blocks=2).shortfall == ""
    sentence = "`batch_tokens` asks for 48 a step, and the stage has blocks of 32 in all: they are one step"
    assert BatchStream(draws, context=16, blocks=3).shortfall == sentence
