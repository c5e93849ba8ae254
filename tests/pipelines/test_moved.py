"""Where a source lies is in its listing alone: the same files elsewhere, with other times of change, make the same records."""

import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from weft.pipelines.audio.sound import flac, load
from weft.pipelines.corpus.listing import list_source
from weft.pipelines.ingest import Ingest
from weft.pipelines.parts.committed import digest_of
from weft.pipelines.parts.stage_work import Input, PartWork
from weft.pipelines.parts.tables import part_name, read_part
from weft.pipelines.sources.base import Source, place_in
from weft.pipelines.sources.folder import Source as Folder
from weft.pipelines.sources.kaldi import Source as Kaldi
from weft.pipelines.sources.lhotse import Source as Lhotse
from weft.pipelines.sources.manifest import Source as Manifest
from weft.pipelines.sources.tars import Source as Tars
from weft.pipelines.sources.text import Source as Text
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Recording
from weft.schemas.item import Item

CLIP = flac((np.sin(np.arange(16000) / 20) * 0.5).astype(np.float32), 16000)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The same clip as every kind of source has it."""
    home = tmp_path / "data"
    (home / "a").mkdir(parents=True)
    (home / "a" / "clip.flac").write_bytes(CLIP)
    (home / "a" / "clip.txt").write_text("and then")
    (home / "book.txt").write_text("In the beginning")
    (home / "all.jsonl").write_text(json.dumps({"audio": "a/clip.flac", "text": "and then"}))
    (home / "wav.scp").write_text("rec a/clip.flac\n")
    supervisions = [{"start": 0.0, "duration": 1.0, "text": "and then"}]
    recording = {"id": "rec", "sources": [{"type": "file", "source": "a/clip.flac"}]}
    (home / "cuts.jsonl").write_text(
        json.dumps({"start": 0, "duration": 1, "recording": recording, "supervisions": supervisions})
    )
    with tarfile.open(home / "speech.tar", "w") as tar:
        tar.add(home / "a" / "clip.flac", "clip.flac")
    return home


KINDS: dict[str, Callable[[Path], Source]] = {
    "folder": lambda home: Folder(path=str(home)),
    "a file": lambda home: Folder(path=str(home / "a" / "clip.flac")),
    "files": lambda home: Folder(path=(str(home / "a" / "clip.flac"), str(home / "a"))),
    "manifest": lambda home: Manifest(path=str(home / "all.jsonl")),
    "kaldi": lambda home: Kaldi(path=str(home), root=str(home)),
    "lhotse": lambda home: Lhotse(path=str(home / "cuts.jsonl"), root=str(home)),
    "tars": lambda home: Tars(path=str(home)),
    "a pattern": lambda home: Tars(path=f"{home}/sp*.tar"),
    "text": lambda home: Text(path=str(home)),
}


def ingested(store: Store, source: Source) -> str:
    """The digest of what a source's only part holds."""
    assert list_source(store, "speech", source, 10) == 1
    work = PartWork(
        node="ingest/speech", stage=(stage := Ingest(source=source)), part=0, inputs=(Input("list/speech", Item),)
    )
    if not work.done(store):
        stage.setup(store)
        assert work.run(store) > 0
    return digest_of(store, work.makes)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_files_elsewhere_make_the_same_records(kind: str, data: Path, store: Store, tmp_path: Path) -> None:
    first = ingested(store, KINDS[kind](data))
    shutil.copytree(data, tmp_path / "elsewhere" / "data", copy_function=shutil.copyfile)
    shutil.rmtree(data)
    assert ingested(Store(store.url), KINDS[kind](tmp_path / "elsewhere" / "data")) == first
    if kind != "text":
        (recording, *_) = read_part(store, part_name("ingest/speech", 0), Recording)
        assert recording.audio.uri.startswith("source://speech/")
        assert len(load(Store(store.url), recording.audio, 0.0, 1.0)) == 16000


def test_a_clip_that_changed_is_ingested_again(data: Path, store: Store) -> None:
    first = ingested(store, Folder(path=str(data)))
    (data / "a" / "clip.flac").write_bytes(flac(np.full(16000, 0.5, np.float32), 16000))
    assert ingested(store, Folder(path=str(data))) != first


def test_what_a_manifest_names_by_a_whole_path_stays_there(data: Path, store: Store) -> None:
    clip = str(data / "a" / "clip.flac")
    (data / "all.jsonl").write_text(json.dumps({"audio": clip, "text": "and then"}))
    ingested(store, Manifest(path=str(data / "all.jsonl")))
    (recording,) = read_part(store, part_name("ingest/speech", 0), Recording)
    assert recording.audio.uri == clip


def test_only_what_lies_below_the_source_is_named_by_its_place() -> None:
    assert place_in("s", "/data", "/data/a.wav") == "source://s/a.wav"
    assert place_in("s", "/data", "/database/a.wav") == "/database/a.wav"
    assert place_in("s", "", "/a.wav") == "/a.wav"
    assert place_in("s", "s3://b/data", "s3://b/data/a.wav") == "source://s/a.wav"


def test_a_source_that_is_not_listed_is_a_failure_and_no_reject(store: Store) -> None:
    with pytest.raises(FileNotFoundError, match=r"list/speech/location\.json"):
        store.located("source://speech/a.wav")


def test_where_a_source_lies_is_written_when_it_changes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.locate("speech", "/a")
    store.locate("speech", "/b")
    assert Store(store.url).located("source://speech/x/y.wav") == "/b/x/y.wav"
    monkeypatch.setattr(store, "write", lambda name, data: pytest.fail(name))
    store.locate("speech", "/b")
