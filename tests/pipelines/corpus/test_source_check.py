"""Where all of a source went, a build stops; where some of it went, or all is new, it goes on."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from weft.pipelines.corpus.listing import list_source
from weft.pipelines.corpus.source_check import SourceGone, check_sources
from weft.pipelines.graph import Pipeline
from weft.pipelines.parts.tables import part_name, read_part, write_part
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Audio, Recording
from weft.schemas.item import Item
from weft.schemas.recipe import Recipe

RECORDING = Recording(
    key="", source="s", path="a.wav", audio=Audio("a.wav"), seconds=1.0, rate=16_000, channels=1, sha256="0" * 64
)


@pytest.fixture
def listed(tmp_path: Path) -> tuple[Store, Pipeline]:
    """A corpus that has listed a manifest of three clips and a folder of two."""
    for n in range(3):
        (tmp_path / f"{n}.wav").write_bytes(b"x")
    (tmp_path / "folder").mkdir()
    for n in range(2):
        (tmp_path / "folder" / f"{n}.wav").write_bytes(b"x")
    lines = [f'{{"audio": "{tmp_path}/{n}.wav"}}' for n in range(3)]
    (tmp_path / "list.jsonl").write_text("\n".join(lines))
    sources = {
        "listed": {"use": "manifest", "path": str(tmp_path / "list.jsonl")},
        "lying": {"use": "folder", "path": str(tmp_path / "folder")},
    }
    pipeline = Pipeline(Recipe.model_validate({"name": "x", "sources": sources, "align": {"use": "none"}}))
    store = Store(str(tmp_path / "corpus"))
    for name, source in pipeline.sources.items():
        list_source(store, name, source, 8)
        items = read_part(store, part_name(f"list/{name}", 0), Item)
        read = [replace(RECORDING, key=f"{item.key}-0", item=item.key) for item in items]
        write_part(store, part_name(f"ingest/{name}", 0), read, Recording, "x")
    return store, pipeline


def test_all_there_or_some(listed: tuple[Store, Pipeline], tmp_path: Path) -> None:
    check_sources(*listed)
    (tmp_path / "0.wav").unlink()
    check_sources(*listed)


def test_all_of_a_list_gone(listed: tuple[Store, Pipeline], tmp_path: Path) -> None:
    for n in range(3):
        (tmp_path / f"{n}.wav").rename(tmp_path / f"{n}.moved")
    with pytest.raises(SourceGone, match="source 'listed': nothing of it can be read now"):
        check_sources(*listed)


def test_of_a_corpus_that_was_begun_what_it_holds_is_looked_for(listed: tuple[Store, Pipeline], tmp_path: Path) -> None:
    store, pipeline = listed
    lines = [f'{{"audio": "{tmp_path}/{n}.wav"}}' for n in range(100)]
    (tmp_path / "list.jsonl").write_text("\n".join(lines))
    for n in range(3):
        (tmp_path / f"{n}.wav").unlink()
    with pytest.raises(SourceGone, match="source 'listed'"):
        check_sources(store, pipeline)


def test_a_list_of_links_that_were_always_dead(listed: tuple[Store, Pipeline], tmp_path: Path) -> None:
    store, _ = listed
    for n in range(3):
        (tmp_path / f"{n}.wav").unlink()
    write_part(store, part_name("ingest/listed", 0), [], Recording, "x")
    check_sources(*listed)


def test_an_empty_folder(listed: tuple[Store, Pipeline], tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "folder")
    with pytest.raises(SourceGone, match="lying"):
        check_sources(*listed)


def test_other_files_at_the_same_place(listed: tuple[Store, Pipeline], tmp_path: Path) -> None:
    for n in range(2):
        (tmp_path / "folder" / f"{n}.wav").rename(tmp_path / "folder" / f"new-{n}.wav")
    check_sources(*listed)


def test_a_first_build_is_not_asked(listed: tuple[Store, Pipeline], tmp_path: Path) -> None:
    _, pipeline = listed
    for n in range(3):
        (tmp_path / f"{n}.wav").unlink()
    check_sources(Store(str(tmp_path / "other")), pipeline)


@pytest.fixture
def nested(tmp_path: Path) -> tuple[Store, Pipeline]:
    """A corpus that has listed a folder of folders."""
    for path in ["en/a", "en/b", *(f"de/x/{n}" for n in range(12)), *(f"fr/{n}" for n in range(9)), *range(3)]:
        file = tmp_path / "nested" / f"{path}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    sources = {"deep": {"use": "folder", "path": str(tmp_path / "nested")}}
    pipeline = Pipeline(Recipe.model_validate({"name": "x", "sources": sources, "align": {"use": "none"}}))
    store = Store(str(tmp_path / "nested-corpus"))
    list_source(store, "deep", pipeline.sources["deep"], 8)
    return store, pipeline


@pytest.mark.parametrize(("folder", "items"), [("fr", 9), ("de/x", 12)])
def test_a_folder_within_it_whose_mount_is_away(
    nested: tuple[Store, Pipeline], tmp_path: Path, folder: str, items: int
) -> None:
    check_sources(*nested)
    emptied = tmp_path / "nested" / folder
    shutil.rmtree(emptied)
    emptied.mkdir()
    with pytest.raises(
        SourceGone, match=rf"{emptied} is empty, and the corpus lists {items} items of it; is it mounted"
    ):
        check_sources(*nested)
    os.removedirs(emptied)  # and the one above, which is empty too
    check_sources(*nested)


def test_few_files_that_were_deleted_are_no_mount(nested: tuple[Store, Pipeline], tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "nested" / "en" / f"{name}.wav").unlink()
    (tmp_path / "nested" / "always-empty").mkdir()
    check_sources(*nested)
