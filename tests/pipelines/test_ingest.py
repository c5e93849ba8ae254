"""What cannot be read is a reject where the recipe says so, but never what this machine lacks."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from weft.pipelines.ingest import Ingest
from weft.pipelines.parts.stage_work import PartWork
from weft.pipelines.segment import Segment
from weft.pipelines.segmenters.silero import Segmenter
from weft.pipelines.sources import folder, grammar, questions, scenes, script, text
from weft.pipelines.sources.base import Source as AnySource
from weft.pipelines.sources.base import refused
from weft.pipelines.sources.manifest import Source
from weft.pipelines.storage.store import Store
from weft.schemas.item import Item
from weft.schemas.ledger import Reject, Unavailable, Unread, Unusable
from weft.schemas.reading import ReadSettings


@pytest.mark.parametrize("missing", ["fail", "reject"])
@pytest.mark.parametrize("number", [errno.ESTALE, errno.EIO, errno.EACCES, errno.ENOMEM, errno.EMFILE, errno.ENOSPC])
def test_a_mount_that_does_not_answer_is_no_missing_file(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, missing: Literal["fail", "reject"]
) -> None:
    (tmp_path / "all.jsonl").write_text('{"audio": "mount/a.wav"}')
    asked = os.stat

    def stat(path: Any, *rest: Any, **options: Any) -> os.stat_result:
        if "mount" in str(path):
            raise OSError(number, os.strerror(number), str(path))
        return asked(path, *rest, **options)

    monkeypatch.setattr(os, "stat", stat)
    (away,) = ingested(store, Source(path=str(tmp_path / "all.jsonl"), missing=missing))
    if missing == "fail" or number in (errno.ENOMEM, errno.EMFILE, errno.ENOSPC):
        assert isinstance(away, Unread) and not away.absent
    else:
        assert isinstance(away, Reject) and (away.reason, away.detail) == ("unavailable", os.strerror(number))


class Breaking(folder.Source):
    """Gives something of an item, and then it cannot be read."""

    def read(self, item: Item, store: Store) -> Iterator[Any]:
        yield refused(item, Unusable("bad", "its first half"))
        raise Unavailable(item.uri, "Stale file handle")


@pytest.mark.parametrize("missing", ["fail", "reject"])
def test_of_an_item_that_breaks_off_nothing_is_kept(
    store: Store, tmp_path: Path, missing: Literal["fail", "reject"]
) -> None:
    (tmp_path / "a.wav").touch()
    (away,) = ingested(store, Breaking(path=str(tmp_path), missing=missing))
    assert away.reason == ("unavailable" if missing == "reject" else "Stale file handle")


def ingested(store: Store, source: AnySource) -> list[Any]:
    stage = Ingest(source=source)
    stage.setup(store)
    return list(stage(list(source.items("speech"))))


@pytest.mark.parametrize(("missing", "made"), [("fail", Unread), ("reject", Reject)])
def test_what_is_listed_and_not_there_is_as_the_recipe_says(
    store: Store, tmp_path: Path, missing: Literal["fail", "reject"], made: type
) -> None:
    (tmp_path / "all.jsonl").write_text('{"audio": "a.wav"}\n{"audio": "b.wav"}')
    both = ingested(store, Source(path=str(tmp_path / "all.jsonl"), missing=missing))
    assert [type(one) for one in both] == [made, made]
    assert {one.reason for one in both} == {"missing" if missing == "reject" else "No such file or directory"}


def test_the_file_that_cannot_be_read_is_named_where_it_is_not_the_items_own(store: Store, tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.wav").write_bytes(b"x")
    (tmp_path / "raw" / "a.txt").symlink_to(tmp_path / "nothing")
    (away,) = ingested(store, folder.Source(path=str(tmp_path / "raw")))
    assert isinstance(away, Unread) and away.path == "a.wav"
    assert away.reason == f"{tmp_path}/raw/a.txt: No such file or directory (a dangling link)"


@pytest.mark.parametrize(
    ("source", "opens"),
    [(folder.Source(path="raw"), True), (text.Source(path="books"), True), (grammar.Source(), False), (scenes.Source(), False),
     (questions.Source(), False), (script.Source(path="talks.jsonl"), False)],
)  # fmt: skip
def test_how_large_a_file_may_be_shapes_the_records_of_sources_that_open_files(source: AnySource, opens: bool) -> None:
    """A script is read while it is listed."""
    for stage in (Ingest(source=source), Segment(segmenter=Segmenter())):
        work = PartWork(node="one", stage=stage, part=0, inputs=(), reading=ReadSettings(largest=1e6))
        made_from = work.made_from(Store("unused"))
        assert (made_from.get("setting reading.largest") == "1000000.0") is (opens and isinstance(stage, Ingest))
        assert not any("tries" in name for name in made_from)
