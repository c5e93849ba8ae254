"""A remote corpus is trained on where it lies: the same draws as on disk, no tar fetched, nothing left behind."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.trainer.conftest import LLAMA, write_shards
from weft.jobs.shard_reading import shards_of
from weft.pipelines.storage.store import Store
from weft.schemas.training import TrainingStage
from weft.schemas.vocabulary import Vocabulary
from weft.trainer.loader import DrawReader
from weft.trainer.train import StepReport, train

SAMPLES = [("up" if n % 2 else "down", list(range(n + 4)), (0, n + 4)) for n in range(20)]


@pytest.fixture
def local(tmp_path: Path) -> Path:
    """A corpus with the shards of one stage."""
    write_shards(tmp_path / "corpus" / "shards" / "pretrain", SAMPLES)
    write_shards(tmp_path / "corpus" / "shards" / "validation", SAMPLES[:4], split="validation")
    return tmp_path / "corpus"


@pytest.fixture
def remote(local: Path) -> Iterator[Store]:
    store = Store("memory://corpus-to-train-on")
    for file in (f for f in local.rglob("*") if f.is_file()):
        store.fs.pipe_file(store.path(str(file.relative_to(local))), file.read_bytes())
    yield store
    store.fs.rm(store.root, recursive=True)


def drawn(store: Store, **options: Any) -> list[tuple[int, str, list[int], list[list[int]]]]:
    with shards_of(store, ["pretrain"]) as (folder, open_tar):
        draws = DrawReader(folder / "pretrain", open_tar=open_tar)
        return [(d.position, d.task, d.ids.tolist(), d.loss.tolist()) for d in draws.read(**options)]


@pytest.mark.parametrize("begin", [0, 9])
def test_the_draws_are_those_on_disk(local: Path, remote: Store, begin: int) -> None:
    assert drawn(remote, begin=begin) == drawn(Store(str(local)), begin=begin) != []


def test_only_indexes_are_copied_and_they_go_at_the_end(remote: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote.fs, "get_file", None)
    with shards_of(remote, ["pretrain", "validation"]) as (folder, open_tar):
        list(DrawReader(folder / "pretrain", open_tar=open_tar).read())
        files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert files == ["pretrain/index.parquet", "validation/index.parquet"] and not folder.exists()


def test_a_draw_reads_its_sample_alone(remote: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with shards_of(remote, ["pretrain"]) as (folder, open_tar):
        tar = open_tar(folder / "pretrain" / "train-000000.tar")
        whole = remote.read("shards/pretrain/train-000000.tar")
        assert len(tar) == len(whole) and bytes(tar[512:1024]) == whole[512:1024]


def test_a_tar_that_is_gone_or_cut_is_named(remote: Store) -> None:
    name = "shards/pretrain/train-000001.tar"
    remote.fs.pipe_file(remote.path(name), remote.read(name)[:600])
    with pytest.raises(ValueError, match=r"is beyond the end of train-000001.tar"):
        drawn(remote)
    remote.remove(name)
    with pytest.raises(ValueError, match=r"train-000001.tar cannot be opened"):
        drawn(remote)


def test_a_run_on_a_remote_corpus_is_the_run_on_disk(local: Path, remote: Store, tmp_path: Path) -> None:
    stage = TrainingStage.model_validate(
        {
            "mixture": {"unit": "tokens", "total": 100, "shares": {"up": 1, "down": 1}}, "context": 16, "model": {"config": LLAMA},
            "optimiser": {"lr": 1e-3, "batch_tokens": 32, "steps": 2}, "validation": {"every": 2},
        }
    )  # fmt: skip
    vocabulary = Vocabulary(text_size=40, bos=None, markers=(), codebooks=(), size=48, text_fingerprint="toy")
    losses: dict[str, list[Any]] = {"local": [], "remote": []}
    for name, store in (("local", Store(str(local))), ("remote", remote)):

        def report(step: StepReport, name: str = name) -> None:
            losses[name].append((step.rows, step.validation))

        with shards_of(store, ["pretrain", "validation"]) as (shards, open_tar):
            held_out = shards / "validation"
            train(shards / "pretrain", tmp_path / name, stage, vocabulary, "", 1, False, report, held_out, open_tar)
    assert losses["local"] == losses["remote"] != []
