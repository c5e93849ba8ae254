"""Files appear whole or not at all, locally and in memory."""

import errno
import os
import uuid
from pathlib import Path

import pytest

from weft.pipelines.storage.damage import InTheWay
from weft.pipelines.storage.store import Store
from weft.schemas.faults import RecipeError


@pytest.fixture(params=["local", "memory"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return Store(str(tmp_path / "corpus") if request.param == "local" else f"memory://{uuid.uuid4().hex}/corpus")


def leftovers(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*") if p.is_file()]


def test_what_is_written_can_be_read(any_store: Store) -> None:
    any_store.write("a/b/c.bin", b"abc")
    assert any_store.read("a/b/c.bin") == b"abc"
    assert any_store.exists("a/b/c.bin") and not any_store.exists("a/b") and not any_store.exists("a/x")
    assert any_store.size("a/b/c.bin") == 3


def test_the_last_writer_wins(any_store: Store) -> None:
    any_store.write("a.bin", b"old and long")
    any_store.write("a.bin", b"new")
    assert any_store.read("a.bin") == b"new"


def test_names_are_sorted_and_below_the_folder(any_store: Store) -> None:
    for name in ("x/b.tar", "x/a.tar", "x/y/c.tar", "x/a.json", "xx/d.tar"):
        any_store.write(name, b".")
    assert any_store.names("x", ".tar") == ["x/a.tar", "x/b.tar", "x/y/c.tar"]
    assert len(any_store.names("x")) == 4
    assert any_store.names("nowhere") == []


def test_removing_what_is_not_there_is_no_error(any_store: Store) -> None:
    any_store.write("a", b".")
    any_store.remove("a")
    any_store.remove("a")
    assert not any_store.exists("a")


def test_an_exception_leaves_no_file(any_store: Store, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), any_store.writing("a/b.bin") as file:
        file.write(b"half")
        raise RuntimeError
    assert any_store.names("a") == []
    assert leftovers(tmp_path) == []


def test_an_exception_leaves_the_old_file(any_store: Store) -> None:
    any_store.write("b.bin", b"old")
    with pytest.raises(RuntimeError), any_store.writing("b.bin") as file:
        file.write(b"half")
        raise RuntimeError
    assert any_store.read("b.bin") == b"old"


def test_nothing_is_seen_before_the_block_ends(any_store: Store) -> None:
    with any_store.writing("a/b.bin") as file:
        file.write(b"whole")
        file.flush()
        assert any_store.names("a") == []
        assert not any_store.exists("a/b.bin")
    assert any_store.names("a") == ["a/b.bin"]


def test_a_file_is_on_disk_before_it_has_its_name(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    sync, rename = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (calls.append("fsync"), sync(fd))[1])
    monkeypatch.setattr(os, "replace", lambda *names: (calls.append("rename"), rename(*names))[1])
    store.write("a.bin", b"x")
    assert calls == ["fsync", "rename", "fsync"]  # the file, its name, the folder


@pytest.mark.parametrize("failing", [1, 2])
def test_a_disk_that_does_not_sync_is_a_failure_and_leaves_no_file(
    store: Store, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    calls: list[int] = []

    def sync(handle: int) -> None:
        calls.append(handle)
        if len(calls) == failing:
            raise OSError(errno.EIO, "input/output error")

    monkeypatch.setattr(os, "fsync", sync)
    with pytest.raises(OSError, match="input/output error"):
        store.write("a.bin", b"x")
    assert leftovers(Path(store.root)) == []


def test_what_killed_writers_left_is_swept(store: Store) -> None:
    store.write("a/whole.bin", b"x")
    (Path(store.root) / "a" / f"whole.bin.tmp-{uuid.uuid4().hex}").write_bytes(b"half")
    assert store.names("a") == ["a/whole.bin"]
    store.sweep()
    assert [p.name for p in leftovers(Path(store.root))] == ["whole.bin"]


def test_only_scratch_files_of_weft_are_passed_over_and_swept(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "x.tmp-1" / "corpus"))
    store.write("a/mine.tmp-notes", b"x")
    assert store.names("a") == ["a/mine.tmp-notes"]
    store.sweep()
    assert store.names("a") == ["a/mine.tmp-notes"]


def test_local_files_and_other_stores_are_read_from_any_store(any_store: Store, tmp_path: Path) -> None:
    (tmp_path / "clip.wav").write_bytes(b"local")
    other = f"memory://{uuid.uuid4().hex}"
    Store(other).write("clip.wav", b"remote")
    assert any_store.open(str(tmp_path / "clip.wav")).read() == b"local"
    assert any_store.open(f"{other}/clip.wav").read() == b"remote"


def test_a_folder_goes_in_with_its_mark_last(any_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "made"
    (source / "sub").mkdir(parents=True)
    for name in ("a.json", "model.json", "z.bin", "sub/deep.bin"):
        (source / name).write_text(name)
    order: list[str] = []
    writing = any_store.writing
    monkeypatch.setattr(any_store, "writing", lambda name: (order.append(name), writing(name))[1])
    any_store.put_folder("models/m", source, last="model.json")
    assert any_store.read("models/m/sub/deep.bin") == b"sub/deep.bin"
    assert len(order) == 4 and order[-1] == "models/m/model.json"
    assert (any_store.folder("models/m") / "sub" / "deep.bin").read_bytes() == b"sub/deep.bin"


def test_a_url_whose_package_is_not_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(*arguments: object, **options: object) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr("fsspec.open", lacking)
    with pytest.raises(RecipeError, match=r"clip.wav: s3:// cannot be read here \(Install s3fs"):
        Store(str(tmp_path)).open("s3://bucket/clip.wav")


@pytest.mark.parametrize("within", [[], ["notes.txt"]])
def test_a_folder_where_a_file_belongs(tmp_path: Path, within: list[str]) -> None:
    store = Store(str(tmp_path / "corpus"))
    folder = tmp_path / "corpus" / "ingest" / "part-00000.parquet"
    folder.mkdir(parents=True)
    for name in within:
        (folder / name).touch()
    for action in (
        lambda: store.read("ingest/part-00000.parquet"),
        lambda: store.write("ingest/part-00000.parquet", b"."),
    ):
        with pytest.raises(
            InTheWay, match=rf"^{folder} is a folder, and a file of the corpus belongs there; move it away"
        ):
            action()
    assert leftovers(tmp_path) == [folder / name for name in within]


@pytest.mark.parametrize("place", ["align", "align/speech"])
def test_a_file_where_a_folder_belongs(tmp_path: Path, place: str) -> None:
    store = Store(str(tmp_path / "corpus"))
    store.write(place, b".")
    name = "align/speech/part-00000.parquet"
    for action in (lambda: store.read(name), lambda: store.write(name, b".")):
        with pytest.raises(
            InTheWay, match=rf"^{store.root}/{place} is a file, and a folder of the corpus belongs there"
        ):
            action()


def test_folders_that_hold_nothing_are_pruned(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    (tmp_path / "unread/encode/speech").mkdir(parents=True)
    (tmp_path / "unfinished/models/hubert").mkdir(parents=True)
    (tmp_path / "unfinished/models/mine.txt").write_text("mine")
    for folder in ("unread", "unfinished", "never-there"):
        store.prune(folder)
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == [
        "unfinished", "unfinished/models", "unfinished/models/mine.txt",
    ]  # fmt: skip
