"""Listings are cut by key: an item added touches one part, and an unchanged part is not written again."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import pytest

from weft.pipelines.corpus.expected import listed_parts
from weft.pipelines.corpus.listing import EmptySource, list_source
from weft.pipelines.parts.tables import part_name, read_part
from weft.pipelines.sources import kaldi, lhotse, manifest, script, urls
from weft.pipelines.sources.text import Source
from weft.pipelines.storage.store import Store
from weft.schemas.item import Item
from weft.schemas.ledger import Unavailable


@pytest.fixture
def books(tmp_path: Path) -> Path:
    (tmp_path / "books").mkdir()
    for n in range(30):
        (tmp_path / "books" / f"{n:02d}.txt").write_text(f"book {n}")
    return tmp_path / "books"


def listing(store: Store, count: int) -> list[list[Item]]:
    return [read_part(store, part_name("list/books", n), Item) for n in range(count)]


def test_every_item_is_listed_once_in_parts_of_about_the_size_asked(store: Store, books: Path) -> None:
    count = list_source(store, "books", Source(path=str(books)), 10)
    parts = listing(store, count)
    assert count == 3
    assert sorted(i.path for part in parts for i in part) == [f"{n:02d}.txt" for n in range(30)]
    assert all([i.key for i in part] == sorted(i.key for i in part) for part in parts)


def test_an_item_added_rewrites_one_part(store: Store, books: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (books / "00.txt").unlink()
    count = list_source(store, "books", Source(path=str(books)), 10)
    before = listing(store, count)
    written: list[str] = []
    writing = store.writing
    monkeypatch.setattr(store, "writing", lambda name: (written.append(name), writing(name))[1])
    assert list_source(store, "books", Source(path=str(books)), 10) == count
    assert written == []
    (books / "new.txt").write_text("one more")
    assert list_source(store, "books", Source(path=str(books)), 10) == count
    assert len(written) == 1
    assert sum(one != two for one, two in zip(before, listing(store, count), strict=True)) == 1


@pytest.mark.parametrize("more", range(31, 52, 10))
def test_a_source_that_grows_by_a_part_splits_one_part(store: Store, books: Path, more: int) -> None:
    for n in range(30, more - 1):
        (books / f"{n:02d}.txt").write_text(f"book {n}")
    before = listing(store, count := list_source(store, "books", Source(path=str(books)), 10))
    (books / f"{more - 1:02d}.txt").write_text("one more")
    assert list_source(store, "books", Source(path=str(books)), 10) == count + 1
    kept = [one == two for one, two in zip(before, listing(store, count), strict=True)]
    assert kept.count(False) <= 2  # the part that is split, and the one that the new item lies in


@pytest.mark.parametrize("where", ["nowhere", "empty"])
def test_a_source_with_nothing_in_it_says_where_it_looked(store: Store, tmp_path: Path, where: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(EmptySource, match=rf"source 'books': .*{where}"):
        list_source(store, "books", Source(path=str(tmp_path / where)), 10)


def test_every_part_says_how_many_there_are_and_parts_beyond_go(store: Store, books: Path) -> None:
    assert list_source(store, "books", Source(path=str(books)), 10) == 3
    store.remove(part_name("list/books", 2))
    assert listed_parts(store, "books") == 3
    assert list_source(store, "books", Source(path=str(books)), 30) == 1
    assert store.names("list/books", ".parquet") == [part_name("list/books", 0)] and listed_parts(store, "books") == 1


LISTS: dict[str, Callable[[str], Any]] = {
    "urls": lambda path: urls.Source(path=path),
    "manifest": lambda path: manifest.Source(path=path),
    "script": lambda path: script.Source(path=path),
    "lhotse": lambda path: lhotse.Source(path=path),
    "kaldi": lambda path: kaldi.Source(path=os.path.dirname(path)),
}


@pytest.mark.parametrize("kind", LISTS)
def test_a_list_that_is_a_pipe_is_refused_and_hangs_nothing(
    store: Store, tmp_path: Path, kind: str, pipe_guard: None
) -> None:
    os.mkfifo(tmp_path / "wav.scp")
    with pytest.raises(EmptySource, match="a pipe or a device"):
        list_source(store, "speech", LISTS[kind](str(tmp_path / "wav.scp")), 10)


@pytest.mark.parametrize("times", [2, 99])
def test_a_folder_on_a_mount_that_does_not_answer_is_not_passed_over(
    store: Store, books: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """It is asked again, and is no mistake of the recipe."""
    (books / "below").mkdir()
    (books / "below" / "more.txt").write_text("more")
    asked, failures = os.stat, iter(range(times))

    def stat(path: Any, *rest: Any, **options: Any) -> os.stat_result:
        if str(path).endswith("below") and next(failures, None) is not None:
            raise OSError(errno.ESTALE, "Stale file handle", str(path))
        return asked(path, *rest, **options)

    monkeypatch.setattr(os, "stat", stat)
    if times == 2:
        assert list_source(store, "books", Source(path=str(books)), 100) == 1
        assert "below/more.txt" in [item.path for item in listing(store, 1)[0]]
        return
    with pytest.raises(Unavailable, match="below: Stale file handle"):
        list_source(store, "books", Source(path=str(books)), 10)


def test_a_list_on_a_mount_that_does_not_answer_is_no_mistake_of_the_recipe(
    store: Store, books: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(path: str, *rest: Any, **options: Any) -> Any:
        raise OSError(errno.EIO, "Input/output error", path)

    (books / "urls.txt").write_text("https://host/a.wav")
    monkeypatch.setattr("builtins.open", opened)
    with pytest.raises(Unavailable, match=r"urls\.txt: Input/output error"):
        list_source(store, "books", urls.Source(path=str(books / "urls.txt")), 10)


@pytest.mark.parametrize("times", [2, 99])
def test_a_server_that_does_not_list_its_files_is_asked_again(
    store: Store, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    fs = fsspec.filesystem("memory")
    fs.pipe("/books-of-a-server/a.txt", b"and then")
    found, failures = type(fs).find, iter(range(times))

    def find(self: Any, *rest: Any, **options: Any) -> Any:
        if next(failures, None) is not None:
            raise TimeoutError("no answer")
        return found(self, *rest, **options)

    monkeypatch.setattr(type(fs), "find", find)
    source = Source(path="memory://books-of-a-server")
    if times == 2:
        assert [item.path for item in source.items("books")] == ["a.txt"]
        return
    with pytest.raises(Unavailable, match="memory://books-of-a-server: no answer"):
        list_source(store, "books", source, 10)


def test_an_empty_source_says_what_is_there_instead(store: Store, tmp_path: Path) -> None:
    for name in ("a.md", "b.md", "README"):
        (tmp_path / name).write_bytes(b"x")
    others = r"which holds 3 other files \(2 .md, 1 without an ending\)"
    with pytest.raises(EmptySource, match=f"source 'books': nothing of its kind was found at {tmp_path}, {others}"):
        list_source(store, "books", Source(path=str(tmp_path)), 10)
