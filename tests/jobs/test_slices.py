"""Parts in slices hold the same samples as parts in one, and the audit reads them so."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from weft.jobs.build import build
from weft.jobs.commands import read_pipeline
from weft.jobs.engine import LocalEngine
from weft.pipelines.mixing.audit import audit
from weft.pipelines.storage.store import Store

SLICE = 6000  # bytes: a few samples
PART = "compose/text/pass-0/books/part-00000.parquet"


def recipe(folder: Path) -> str:
    """Text of which every fifth paragraph is one that was before."""
    paragraphs = [f"paragraph {n - n % 5 // 4 * 4} of the book" for n in range(60)]
    (folder / "books.txt").write_text("\n\n".join(paragraphs))
    stage = {
        "mixture": {"unit": "samples", "total": 60, "shares": {"text": 1}}, "context": 64,
        "model": {"config": {"model_type": "llama"}}, "optimiser": {"lr": 1.0, "batch_tokens": 64},
    }  # fmt: skip
    whole = {
        "name": "slices",
        "sources": {"books": {"use": "text", "path": str(folder / "books.txt"), "documents": "paragraph"}},
        "text": {"use": "bpe", "size": 300},
        "tasks": {"text": {"use": "text", "sources": ["books"]}},
        "training": {"pre": stage},
    }
    (folder / "r.yaml").write_text(yaml.safe_dump(whole, sort_keys=False))
    return str(folder / "r.yaml")


def built(path: str, folder: Path) -> Store:
    store = Store(str(folder))
    build(read_pipeline(path), store, LocalEngine(store), lambda event: None, lambda works: None)
    return store


@pytest.fixture
def corpora(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Store, Store]:
    """One of whole parts, and one of parts in slices."""
    path = recipe(tmp_path)
    whole = built(path, tmp_path / "whole")
    monkeypatch.setattr("weft.pipelines.parts.stage_work.SLICE", SLICE)
    return whole, built(path, tmp_path / "slices")


def test_shards_are_the_same_byte_for_byte(corpora: tuple[Store, Store]) -> None:
    whole, sliced = corpora
    groups = [pq.ParquetFile(store.path(PART)).num_row_groups for store in corpora]
    assert groups[0] == 1 and groups[1] > 5
    assert pq.read_table(whole.path(PART)).equals(pq.read_table(sliced.path(PART)))
    names = whole.names("shards")
    assert names == sliced.names("shards") and len(names) > 3
    assert all(whole.read(name) == sliced.read(name) for name in names if not name.endswith("index.parquet"))
    index, same = (pq.read_table(store.path("shards/pre/index.parquet")) for store in corpora)
    assert index.equals(same) and any(key.endswith("-r1") for key in index["key"].to_pylist())


def test_the_deep_audit_reads_them_and_finds_a_changed_byte(corpora: tuple[Store, Store], tmp_path: Path) -> None:
    _, sliced = corpora
    pipeline = read_pipeline(str(tmp_path / "r.yaml"))
    assert audit(sliced, pipeline, deep=True).faults == ()
    data = bytearray(sliced.read(PART))
    data[len(data) // 2] ^= 1
    sliced.write(PART, data)
    assert any(PART in str(fault) for fault in audit(sliced, pipeline, deep=True).faults)
