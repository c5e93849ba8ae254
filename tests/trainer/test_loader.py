"""Draws come back as written, from any position, and a wrong index is told, not read."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from weft.trainer.loader import DrawReader


def replace_column(table: pa.Table, name: str, values: list) -> pa.Table:
    number = table.column_names.index(name)
    return table.set_column(number, table.schema.field(number), pa.array(values, table.schema.field(number).type))


def test_draws_are_what_was_written(make_shards: Callable[..., Path], samples: list) -> None:
    draws = DrawReader(make_shards(samples))
    assert len(draws) == len(samples)
    for n, (draw, (task, ids, loss)) in enumerate(zip(draws.read(), samples, strict=True)):
        assert (draw.position, draw.task, draw.ids.tolist()) == (n, task, list(ids))
        assert draw.ids.dtype == np.int32
        assert draw.loss.reshape(-1).tolist() == list(loss)


@pytest.mark.parametrize("begin", [0, 1, 6, 7, 8, 50, 99, 100])
def test_reading_starts_at_any_draw(make_shards: Callable[..., Path], samples: list, begin: int) -> None:
    draws = DrawReader(make_shards(samples))
    assert [d.position for d in draws.read(begin)] == list(range(begin, 100))
    assert [d.loss.reshape(-1).tolist() for d in draws.read(begin)] == [list(s[2]) for s in samples[begin:]]
    assert [ids.tolist() for ids in draws.samples(begin)] == [list(s[1]) for s in samples[begin:]]


def test_lengths_need_no_tar(make_shards: Callable[..., Path], samples: list) -> None:
    folder = make_shards(samples)
    for tar in folder.glob("*.tar"):
        tar.unlink()
    assert np.concatenate(list(DrawReader(folder).lengths())).tolist() == [len(s[1]) for s in samples]


def test_a_sample_may_be_empty_and_count_nothing(make_shards: Callable[..., Path]) -> None:
    draws = list(DrawReader(make_shards([("up", [], ()), ("up", [1, 2], ())])).read())
    assert [(len(d.ids), d.loss.shape) for d in draws] == [(0, (0, 2)), (2, (0, 2))]


def test_a_cut_tar_is_an_error_that_names_it(make_shards: Callable[..., Path], samples: list) -> None:
    folder = make_shards(samples)
    tar = folder / "train-000001.tar"
    tar.write_bytes(tar.read_bytes()[:2048])
    with pytest.raises(ValueError, match=r"draw 3, sample s0003, is beyond the end of train-000001\.tar"):
        list(DrawReader(folder).read())


def test_an_index_cannot_lead_out_of_its_folder(make_shards: Callable[..., Path], samples: list) -> None:
    folder = make_shards(samples)
    table = pq.read_table(folder / "index.parquet")
    away = pa.array([f"../shards/{name}" for name in table.column("shard").to_pylist()])
    pq.write_table(table.set_column(table.column_names.index("shard"), "shard", away), folder / "index.parquet")
    with pytest.raises(ValueError, match="beside the index"):
        next(DrawReader(folder).samples())


@pytest.mark.parametrize("read", ["read", "samples"])
def test_a_flipped_byte_is_an_error_that_names_draw_key_tar_and_remedy(
    make_shards: Callable[..., Path], samples: list, read: str
) -> None:
    folder = make_shards(samples)
    row = pq.read_table(folder / "index.parquet").slice(5, 1).to_pylist()[0]
    tar = folder / row["shard"]
    data = bytearray(tar.read_bytes())
    data[row["npy_offset"] + 130] ^= 1
    tar.write_bytes(data)
    with pytest.raises(
        ValueError, match=r"draw 5, sample s0005, .*train-000001\.tar have another checksum; `weft build"
    ):
        list(getattr(DrawReader(folder), read)())
    assert len(list(getattr(DrawReader(folder, check=False), read)())) == len(samples), "the switch of the benchmark"


def test_a_row_with_the_offsets_of_another_sample_is_refused(make_shards: Callable[..., Path]) -> None:
    folder = make_shards([("up", [n, n + 1], (0, 2)) for n in range(6)])
    table = pq.read_table(folder / "index.parquet")
    for name in ("json_offset", "npy_offset"):
        values = table.column(name).to_pylist()
        values[2], values[4] = values[4], values[2]
        table = replace_column(table, name, values)
    pq.write_table(table, folder / "index.parquet")
    with pytest.raises(ValueError, match="draw 2, sample s0002, is damaged"):
        list(DrawReader(folder).read())


def test_two_tars_of_equal_size_that_were_swapped_are_refused(make_shards: Callable[..., Path]) -> None:
    folder = make_shards([("up", [n, n + 1], (0, 2)) for n in range(6)])
    one, other = folder / "train-000000.tar", folder / "train-000001.tar"
    for source, target in ((one, folder / "spare"), (other, one), (folder / "spare", other)):
        source.rename(target)
    with pytest.raises(ValueError, match="draw 0, sample s0000, is damaged"):
        next(DrawReader(folder).read())


@pytest.mark.parametrize("data", [None, b""])
def test_a_tar_that_is_missing_or_empty_is_named(
    make_shards: Callable[..., Path], samples: list, data: bytes | None
) -> None:
    tar = make_shards(samples) / "train-000001.tar"
    tar.unlink()
    if data is not None:
        tar.write_bytes(data)
    with pytest.raises(ValueError, match=r"draw 1, sample s0001, cannot be read: train-000001\.tar cannot be opened"):
        list(DrawReader(tar.parent).read())


def test_draws_are_read_by_position(make_shards: Callable[..., Path], samples: list) -> None:
    draws = DrawReader(make_shards(samples))
    picked = list(draws.pick([0, 6, 7, 30, 31, 99]))
    assert [d.position for d in picked] == [0, 6, 7, 30, 31, 99]
    assert all(d.ids.tolist() == list(samples[d.position][1]) for d in picked)


def test_the_digest_tells_streams_apart(make_shards: Callable[..., Path], samples: list) -> None:
    first = DrawReader(make_shards(samples)).checksum()
    assert first == DrawReader(make_shards(samples)).checksum()
    assert first != DrawReader(make_shards(samples[:-1])).checksum()
    assert json.loads(json.dumps(first)) == first


def test_records_are_those_of_the_draws(make_shards: Callable[..., Path], samples: list) -> None:
    folder = make_shards(samples[:20], answers=[f"answer {n}" for n in range(20)])
    draws = DrawReader(folder)
    for begin in (0, 5, 14):
        records = list(draws.records(begin))
        assert [(r["key"], r["answer"]) for r in records] == [(f"s{n:04d}", f"answer {n}") for n in range(begin, 20)]
    tar = folder / "train-000001.tar"
    tar.write_bytes(tar.read_bytes().replace(b'{"answer": "answer 3"}', b'{"answer": "answer 3"]'))
    with pytest.raises(ValueError, match=r"draw 3, sample s0003, has a KEY\.json that cannot be read"):
        list(DrawReader(folder).records())
