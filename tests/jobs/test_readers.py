"""The shards load unchanged in other readers, whole."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from weft.jobs.build import build
from weft.jobs.commands import read_pipeline
from weft.jobs.engine import LocalEngine
from weft.pipelines.storage.store import Store


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("readers")


@pytest.fixture
def shards(folder: Path, write_recipe: Callable[..., Path]) -> Path:
    if not (folder / "corpus").exists():
        pipeline = read_pipeline(str(write_recipe(folder / "recipe.yaml")))
        store = Store(str(folder / "corpus"))
        build(pipeline, store, LocalEngine(store), lambda event: None, lambda works: None)
    return folder / "corpus/shards/pretrain"


def tokens_by_key(shards: Path) -> dict[str, int]:
    table = pq.read_table(shards / "index.parquet", columns=["key", "tokens"])
    found = dict(zip(table["key"].to_pylist(), table["tokens"].to_pylist(), strict=True))
    assert len(found) == len(table)
    return found


def count(npy: bytes) -> int:
    return len(np.load(io.BytesIO(npy), allow_pickle=False))


def test_webdataset_reads_every_sample(shards: Path) -> None:
    import webdataset

    tars = [str(p) for p in sorted(shards.glob("*.tar"))]
    read = {s["__key__"]: count(s["npy"]) for s in webdataset.WebDataset(tars, shardshuffle=False, empty_check=False)}
    assert read == tokens_by_key(shards)


def test_wids_reads_every_sample(shards: Path, tmp_path: Path) -> None:
    import wids

    dataset = wids.ShardListDataset(
        str(shards / "wids.json"), cache_dir=str(tmp_path), transformations=[], base=str(shards), keep=True
    )
    read = {s["__key__"]: count(s[".npy"].read()) for s in (dataset[i] for i in range(len(dataset)))}
    assert read == tokens_by_key(shards)


def test_datasets_reads_every_sample(shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True)
    tars = [str(p) for p in sorted(shards.glob("*.tar"))]
    loaded = datasets.load_dataset("webdataset", data_files=tars, split="train", cache_dir=str(tmp_path))
    assert {row["__key__"]: len(row["npy"]) for row in loaded} == tokens_by_key(shards)
