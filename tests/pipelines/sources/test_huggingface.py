"""Hugging Face datasets on disk: saved, as Parquet, with audio inside and beside."""

import errno
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import datasets
import pytest

from weft.pipelines.parts.audio_blob import pack_audio
from weft.pipelines.sources.huggingface import Source
from weft.pipelines.storage.store import Store
from weft.schemas.item import Item
from weft.schemas.ledger import Unavailable, Unusable


@pytest.fixture
def rows(tmp_path: Path, clip: bytes) -> datasets.Dataset:
    (tmp_path / "a.flac").write_bytes(clip)
    audio = [
        {"path": str(tmp_path / "a.flac"), "bytes": None},
        {"path": "b.flac", "bytes": clip},
        {"path": None, "bytes": b"x"},
    ]
    table = {"audio": audio, "sentence": ["and then", "not so", "no"], "speaker_id": [1, 2, 3]}
    return datasets.Dataset.from_dict(table).cast_column("audio", datasets.Audio(decode=False))


def check(recordings: list, rejects: list) -> None:
    assert [(r.text, r.speaker, r.seconds, r.split) for r in recordings] == [
        ("and then", "1", 2.0, "train"), ("not so", "2", 2.0, "train"),
    ]  # fmt: skip
    assert sorted(r.reason for r in rejects) == ["not_audio"]


def test_a_dataset_on_disk(tmp_path: Path, rows: datasets.Dataset, ingested: Callable, clip: bytes) -> None:
    rows.save_to_disk(str(tmp_path / "saved"))
    made, rejects = ingested(Source(path=str(tmp_path / "saved")))
    check(made, rejects)
    packed, blob = pack_audio(made, "ingest/hf/part-00000.bin")  # `save_to_disk` takes the audio into its tables
    assert blob == made[0].audio.data + made[1].audio.data
    assert (packed[1].audio.uri, packed[1].audio.offset, packed[1].audio.data) == (
        "ingest/hf/part-00000.bin",
        len(clip),
        b"",
    )


def test_so_many_rows_are_an_item(tmp_path: Path, rows: datasets.Dataset, ingested: Callable) -> None:
    rows.save_to_disk(str(tmp_path / "saved"))
    source = Source(path=str(tmp_path / "saved"), rows=2)
    items = list(source.items("hf"))
    assert [item.path for item in items] == ["train/00000", "train/00002"]
    assert [source.size_of(item) for item in items] == [2, 2]
    check(*ingested(source))
    assert len(list(Source(path=str(tmp_path / "saved")).items("hf"))) == 1


def test_a_column_of_paths_is_read_where_it_points(tmp_path: Path, ingested: Callable, clip: bytes) -> None:
    (tmp_path / "a.flac").write_bytes(clip)
    rows = {"file": [str(tmp_path / "a.flac"), ""], "text": ["and then", "no"], "id": ["one", "two"]}
    datasets.Dataset.from_dict(rows).to_parquet(str(tmp_path / "t.parquet"))
    (made,), (reject,) = ingested(Source(path=str(tmp_path / "t.parquet")))
    assert (made.audio.uri, made.audio.data, made.path) == (str(tmp_path / "a.flac"), b"", "train/one")
    assert (reject.reason, reject.path) == ("no_audio", "train/two")


def test_parquet(tmp_path: Path, rows: datasets.Dataset, ingested: Callable) -> None:
    (tmp_path / "tables").mkdir()
    rows.to_parquet(str(tmp_path / "tables" / "train-0.parquet"))
    check(*ingested(Source(path=str(tmp_path / "tables"))))
    check(*ingested(Source(path=str(tmp_path / "tables" / "train-0.parquet"), text="sentence")))


def test_a_dataset_that_moved_on_the_hub_is_listed_anew(
    tmp_path: Path, rows: datasets.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    at: dict[str, str] = {}

    def commit(name: str, revision: str, kind: str, fresh: bool) -> str:
        if (name, kind, fresh) != ("hf://org/speech", "dataset", True):
            raise ValueError(f"{name}: not there")
        return at.setdefault(revision, f"{revision}-1")

    monkeypatch.setattr("weft.pipelines.sources.huggingface.commit_of", commit)
    monkeypatch.setattr(Source, "_splits", lambda self: [("train", rows)])
    (one,), (other,) = (list(Source(path="hf://org/speech", revision=r).items("s")) for r in ("", "v2"))
    assert (one.stamp, other.stamp) == ("main-1", "v2-1")
    with pytest.raises(OSError, match="hf://org/none: not there"):
        list(Source(path="hf://org/none").items("s"))


def test_splits(tmp_path: Path, rows: datasets.Dataset, ingested: Callable) -> None:
    both = datasets.DatasetDict({"dev": rows.select([0]), "test": rows.select([1])})
    both.save_to_disk(str(tmp_path / "both"))
    made, _ = ingested(Source(path=str(tmp_path / "both")))
    assert sorted(r.split for r in made) == ["dev", "test"]
    (one,), _ = ingested(Source(path=str(tmp_path / "both"), split="test"))
    assert one.text == "not so"
    with pytest.raises(OSError, match="no split 'train'; there are dev, test"):
        list(Source(path=str(tmp_path / "both"), split="train").items("s"))


def test_only_what_is_written_as_a_name_on_the_hub_is_looked_for_there(
    tmp_path: Path, rows: datasets.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def load(path: str, *rest: object, **options: object) -> datasets.Dataset:
        asked.append(path)
        return rows

    monkeypatch.setattr(datasets, "load_dataset", load)
    monkeypatch.setattr("weft.pipelines.sources.huggingface.commit_of", lambda *rest, **options: "commit")
    with pytest.raises(
        OSError, match=r"^org/speech: no such file or folder; if it is a name on the hub, write hf://org/speech$"
    ):
        list(Source(path="org/speech").items("s"))
    with pytest.raises(OSError, match=r"hf://speech: a name on the hub is written hf://org/name"):
        list(Source(path="hf://speech").items("s"))
    assert asked == []
    assert len(list(Source(path="hf://org/speech").items("s"))) == 1 and asked == ["org/speech"]


class Away:
    """Rows that cannot be read to their end."""

    features: dict[str, object] = {}

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __iter__(self) -> Iterator[dict[str, str]]:
        yield {"audio": ""}
        raise self._error


@pytest.mark.parametrize(
    ("path", "error", "raised"),
    [
        ("tables", OSError(errno.EIO, "Input/output error"), Unavailable),
        ("hf://org/speech", ConnectionError("no answer"), Unavailable),
        ("tables", OSError("not a parquet file"), Unusable), ("hf://org/speech", ValueError("no such column"), Unusable),
    ],
)  # fmt: skip
def test_a_hub_that_does_not_answer_is_no_broken_dataset(
    monkeypatch: pytest.MonkeyPatch, store: Store, path: str, error: Exception, raised: type[Exception]
) -> None:
    monkeypatch.setattr(Source, "_splits", lambda self: [("train", WithShards(error))])
    item = Item(key="k", source="s", path="train/0", uri="", stamp="", payload='{"split": "train", "shard": 0}')
    with pytest.raises(raised):
        list(Source(path=path, audio="audio").read(item, store))


class WithShards(Away):
    num_shards = 1

    def shard(self, count: int, number: int) -> "WithShards":
        return self


def test_what_datasets_cannot_read_is_reported_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        list(Source(path=str(tmp_path / "nowhere")).items("s"))


def test_a_column_says_more_than_the_split_that_is_loaded(
    tmp_path: Path, rows: datasets.Dataset, ingested: Callable
) -> None:
    named = rows.select([0, 1]).add_column("split", ["dev", ""])
    datasets.DatasetDict({"train.100": named}).save_to_disk(str(tmp_path / "saved"))
    made, _ = ingested(Source(path=str(tmp_path / "saved"), split="train.100"))
    assert [r.split for r in made] == ["dev", "train.100"]


@pytest.mark.parametrize("channels", ["mix", "each"])
def test_a_row_whose_file_is_missing_costs_that_row_alone(
    tmp_path: Path, clip: bytes, ingested: Callable, channels: Literal["mix", "each"]
) -> None:
    (tmp_path / "a.flac").write_bytes(clip)
    rows = {"file": [f"{tmp_path}/{name}.flac" for name in ("a", "gone", "a")], "id": ["one", "two", "three"]}
    datasets.Dataset.from_dict(rows).to_parquet(str(tmp_path / "t.parquet"))
    made, (reject,) = ingested(Source(path=str(tmp_path / "t.parquet"), channels=channels))
    assert len(made) == 2 and (reject.reason, reject.path) == ("missing", "train/two")


def test_rows_without_audio_are_read_no_further(tmp_path: Path, ingested: Callable, clip: bytes) -> None:
    (tmp_path / "a.flac").write_bytes(clip)
    rows = {"audio": [str(tmp_path / "a.flac"), *[""] * 50, str(tmp_path / "a.flac")], "text": ["so"] * 52}
    datasets.Dataset.from_dict(rows).to_parquet(str(tmp_path / "t.parquet"))
    made, rejects = ingested(Source(path=str(tmp_path / "t.parquet"), limits={"faults_in_a_row": 5}))
    assert len(made) == 1 and sorted(r.reason for r in rejects) == [*["no_audio"] * 5, "too_many_faults"]
