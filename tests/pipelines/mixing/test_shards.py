"""Tars and their index: standard tars, offsets that point, rows in the order of the plan, and readers that agree."""

import io
import json
import pickle
import tarfile
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from weft.pipelines.mixing.index import write_index
from weft.pipelines.mixing.plan import plan
from weft.pipelines.mixing.plan_files import read_tars
from weft.pipelines.mixing.shards import index_name, rows_name, shard_done, tar_name, write_shard
from weft.pipelines.parts.slices import read_slices
from weft.pipelines.parts.tables import read_part
from weft.pipelines.storage.store import Store
from weft.schemas.shard import IndexRow
from weft.schemas.training import TrainingStage

LENGTHS = cycle([(5, 0.5), (11, 1.25), (300, 3.0), (8, 0.25), (128, 2.0)])


@pytest.fixture
def shards(store: Store, composed: Any, training: Callable[..., TrainingStage]) -> Store:
    """A stage of two tasks, the first in two passes, in several tars."""
    stage = training(total=9000, shares={"a": 2, "b": 1}, exhausted="repeat", passes=2)
    small = type(composed)(store, 60_000)
    for task in "ab":
        for n in (0, 1):
            small.add(task, [list(islice(LENGTHS, 13)) for _ in range(4)], n)
    plan(store, small.plan_request(stage), {})
    for tar in read_tars(store, "pre"):
        write_shard(store, "pre", tar)
    write_index(store, "pre", {})
    return store


def rows_of(store: Store) -> list[IndexRow]:
    return read_part(store, index_name("pre"), IndexRow)


def tars(store: Store) -> list[str]:
    return store.names("shards/pre", ".tar")


def by_shard(store: Store) -> dict[str, list[str]]:
    keys: dict[str, list[str]] = {}
    for row in sorted(rows_of(store), key=lambda r: (r.shard, r.json_offset)):
        keys.setdefault(row.shard, []).append(row.key)
    return keys


def test_there_are_several_tars_of_both_tasks(shards: Store) -> None:
    assert len(tars(shards)) > 4
    assert {r.task for r in rows_of(shards)} == {"a", "b"}


def test_tarfile_reads_what_the_index_says(shards: Store) -> None:
    for shard, keys in by_shard(shards).items():
        with tarfile.open(f"{shards.root}/shards/pre/{shard}") as tar:
            names = [m.name for m in tar]
            assert all((m.mtime, m.mode, m.uid, m.uname) == (0, 0o644, 0, "") for m in tar)
        assert names == [f"{key}.{end}" for key in keys for end in ("json", "npy")]


def test_offsets_point_at_the_members(shards: Store) -> None:
    for row in rows_of(shards):
        data = shards.read(f"shards/pre/{row.shard}")
        record = json.loads(data[row.json_offset : row.json_offset + row.json_length])
        member = data[row.npy_offset : row.npy_offset + row.npy_length]
        ids = np.load(io.BytesIO(member), allow_pickle=False)
        assert (record["key"], record["task"], record["seconds"]) == (row.key, row.task, row.seconds)
        assert ids.dtype == np.int32 and ids.shape == (row.tokens,)
        assert np.array_equal(np.frombuffer(data, "<i4", row.tokens, row.ids_offset), ids)


def test_the_index_is_in_the_order_of_the_plan(shards: Store, drawn: Callable[..., list[dict[str, Any]]]) -> None:
    wanted = [(d["task"], d["tar"], d["tokens"], d["microseconds"]) for d in drawn()]
    assert [(r.task, r.shard, r.tokens, round(r.seconds * 1e6)) for r in rows_of(shards)] == wanted


def test_each_tar_is_read_from_front_to_back(shards: Store) -> None:
    reached: dict[str, int] = {}
    tars_of: dict[str, list[str]] = {}
    for row in rows_of(shards):
        assert row.json_offset > reached.get(row.shard, 0)
        reached[row.shard] = row.npy_offset
        order = tars_of.setdefault(row.task, [])
        assert row.shard not in order[:-1], "a tar is left for good when the next begins"
        if row.shard not in order:
            order.append(row.shard)


def test_small_chunks_do_not_change_the_index(shards: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = rows_of(shards)
    monkeypatch.setattr("weft.pipelines.mixing.index.ROWS", 7)
    assert write_index(shards, "pre", {}) == len(whole)
    assert rows_of(shards) == whole


def test_the_same_parts_give_the_same_bytes(shards: Store) -> None:
    before = {name: shards.read(name) for name in shards.names("shards")}
    for tar in reversed(read_tars(shards, "pre")):
        write_shard(shards, "pre", tar)
    write_index(shards, "pre", {})
    assert {name: shards.read(name) for name in shards.names("shards")} == before


def test_wids_json_counts_samples_and_bytes(shards: Store) -> None:
    spec = json.loads(shards.read("shards/pre/wids.json"))
    keys = by_shard(shards)
    assert spec["wids_version"] == 1
    assert {s["url"]: s["nsamples"] for s in spec["shardlist"]} == {shard: len(of) for shard, of in keys.items()}
    assert all(s["filesize"] == shards.size(f"shards/pre/{s['url']}") for s in spec["shardlist"])
    assert sorted(s["url"] for s in spec["shardlist"]) == [name.rsplit("/", 1)[-1] for name in tars(shards)]


def test_memory_is_that_of_one_slice(shards: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples of many parts go to their places as the parts are read, one after another, a slice at a time."""
    read: list[str] = []
    tar = max(read_tars(shards, "pre"), key=lambda t: len(t.parts))

    def once(store: Store, name: str, columns: list[str]) -> Any:
        read.append(name)
        return read_slices(store, name, columns)

    monkeypatch.setattr("weft.pipelines.mixing.shards.read_slices", once)
    write_shard(shards, "pre", tar)
    assert len(read) == len(set(read)) == len(tar.parts) > 1


class TestDone:
    def test_a_tar_is_done_when_it_stands_with_its_rows(self, shards: Store) -> None:
        first = read_tars(shards, "pre")[0]
        assert shard_done(shards, "pre", first)
        assert not shard_done(shards, "other", first)

    def test_a_tar_of_other_samples_is_not_done(self, shards: Store, composed: Any) -> None:
        first = read_tars(shards, "pre")[0]
        small = type(composed)(shards, 60_000)
        small.add("a", [[(7, 0.5)] * 13 for _ in range(4)])
        assert not shard_done(shards, "pre", first)

    def test_a_tar_that_is_gone_or_cut_is_not_done(self, shards: Store) -> None:
        first = read_tars(shards, "pre")[0]
        path = tar_name("pre", first)
        shards.write(path, shards.read(path)[:-512])
        assert not shard_done(shards, "pre", first)
        shards.remove(path)
        assert not shard_done(shards, "pre", first)

    def test_a_writer_killed_between_tar_and_rows_leaves_nothing_that_passes_for_done(
        self, shards: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The recipe may go back to what it was: the old rows must not vouch for the new tar."""
        first = read_tars(shards, "pre")[0]
        monkeypatch.setattr("weft.pipelines.mixing.shards.write_table", _killed)
        with pytest.raises(KeyboardInterrupt):
            write_shard(shards, "pre", first)
        assert not shard_done(shards, "pre", first)
        assert not shards.exists(rows_name(tar_name("pre", first)))


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


class TestReaders:
    """The libraries people train with read the shards as they are, and no member is unpickled."""

    @pytest.fixture(autouse=True)
    def _offline(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
        monkeypatch.setenv("WIDS_CACHE", str(tmp_path / "wids"))

    @pytest.fixture
    def no_pickle(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: Any, **__: Any) -> None:
            raise AssertionError("a member was unpickled")

        monkeypatch.setattr(pickle, "load", refuse)
        monkeypatch.setattr(pickle, "loads", refuse)

    @pytest.mark.usefixtures("no_pickle")
    def test_webdataset(self, shards: Store) -> None:
        import webdataset

        urls = [f"{shards.root}/{name}" for name in tars(shards)]
        samples = list(webdataset.WebDataset(urls, shardshuffle=False))
        assert [s["__key__"] for s in samples] == [key for keys in by_shard(shards).values() for key in keys]
        rows = {r.key: r for r in rows_of(shards)}
        for sample in samples:
            row = rows[sample["__key__"]]
            assert json.loads(sample["json"])["key"] == row.key
            assert np.load(io.BytesIO(sample["npy"]), allow_pickle=False).shape == (row.tokens,)

    @pytest.mark.usefixtures("no_pickle")
    def test_wids(self, shards: Store) -> None:
        import wids

        dataset = wids.ShardListDataset(f"{shards.root}/shards/pre/wids.json", cache_dir=f"{shards.root}/shards/pre")
        rows = {r.key: r for r in rows_of(shards)}
        assert len(dataset) == len(rows)
        read = [dataset[i] for i in range(len(dataset))]
        assert [s["__key__"] for s in read] == [key for keys in by_shard(shards).values() for key in keys]
        for sample in read:
            assert sample[".npy"].dtype == np.int32 and sample[".npy"].shape == (rows[sample["__key__"]].tokens,)
            assert sample[".json"]["key"] == sample["__key__"]

    @pytest.mark.slow
    def test_datasets(self, shards: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        import datasets

        monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
        files = [f"{shards.root}/{name}" for name in tars(shards)]
        read = datasets.load_dataset("webdataset", data_files=files, split="train", cache_dir=str(tmp_path / "hf"))
        assert read["__key__"][:] == [key for keys in by_shard(shards).values() for key in keys]
        rows = {r.key: r for r in rows_of(shards)}
        for sample in read:
            assert sample["json"]["task"] == rows[sample["__key__"]].task
            assert len(sample["npy"]) == rows[sample["__key__"]].tokens
