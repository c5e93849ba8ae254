"""Draws come back as written, from any position, and a wrong index is told, not read."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from weft.trainer.loader import Draws


def test_draws_are_what_was_written(make_shards: Callable[..., Path], samples: list) -> None:
    draws = Draws(make_shards(samples))
    assert len(draws) == len(samples)
    for n, (draw, (task, ids, loss)) in enumerate(zip(draws.read(), samples, strict=True)):
        assert (draw.position, draw.task, draw.ids.tolist()) == (n, task, list(ids))
        assert draw.ids.dtype == np.int32
        assert draw.loss.reshape(-1).tolist() == list(loss)


@pytest.mark.parametrize("begin", [0, 1, 6, 7, 8, 50, 99, 100])
def test_reading_starts_at_any_draw(make_shards: Callable[..., Path], samples: list, begin: int) -> None:
    draws = Draws(make_shards(samples))
    assert [d.position for d in draws.read(begin)] == list(range(begin, 100))
    assert [d.loss.reshape(-1).tolist() for d in draws.read(begin)] == [list(s[2]) for s in samples[begin:]]
    assert [ids.tolist() for ids in draws.samples(begin)] == [list(s[1]) for s in samples[begin:]]


def test_lengths_need_no_tar(make_shards: Callable[..., Path], samples: list) -> None:
    folder = make_shards(samples)
    for tar in folder.glob("*.tar"):
        tar.unlink()
    assert np.concatenate(list(Draws(folder).lengths())).tolist() == [len(s[1]) for s in samples]


def test_a_sample_may_be_empty_and_count_nothing(make_shards: Callable[..., Path]) -> None:
    draws = list(Draws(make_shards([("up", [], ()), ("up", [1, 2], ())])).read())
    assert [(len(d.ids), d.loss.shape) for d in draws] == [(0, (0, 2)), (2, (0, 2))]


def test_a_cut_tar_is_an_error_that_names_it(make_shards: Callable[..., Path], samples: list) -> None:
    folder = make_shards(samples)
    tar = folder / "train-000001.tar"
    tar.write_bytes(tar.read_bytes()[:2048])
    with pytest.raises(ValueError, match=r"draw 3 is not where index\.parquet says, in train-000001\.tar"):
        list(Draws(folder).read())


def test_an_index_cannot_lead_out_of_its_folder(make_shards: Callable[..., Path], samples: list) -> None:
    folder = make_shards(samples)
    table = pq.read_table(folder / "index.parquet")
    away = pa.array([f"../shards/{name}" for name in table.column("shard").to_pylist()])
    pq.write_table(table.set_column(table.column_names.index("shard"), "shard", away), folder / "index.parquet")
    with pytest.raises(ValueError, match="beside the index"):
        next(Draws(folder).samples())


def test_the_digest_tells_streams_apart(make_shards: Callable[..., Path], samples: list) -> None:
    first = Draws(make_shards(samples)).digest()
    assert first == Draws(make_shards(samples)).digest()
    assert first != Draws(make_shards(samples[:-1])).digest()
    assert json.loads(json.dumps(first)) == first
