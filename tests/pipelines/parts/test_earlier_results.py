"""A part of which some items could not be read: nothing of it is committed, and the next build reads these alone."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from weft.pipelines.parts.runner import Runner
from weft.pipelines.parts.stage_work import Input, PartWork
from weft.pipelines.parts.tables import part_name, read_part, write_part
from weft.pipelines.parts.unread import noted_unread
from weft.pipelines.stage import Stage
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Audio, Utterance
from weft.schemas.ledger import ASKED_AGAIN, Reject, Unavailable, Unread, UnreadItems

asked: list[str] = []  # in this process, by all stages


class Reading(Stage):
    """Gives what it got, but what is `away`, `missing`, `unavailable` or `bad`."""

    one_by_one: ClassVar[bool] = True
    setting: int = 0

    @property
    def makes(self) -> type:
        return Utterance

    def __call__(self, records: Iterable[Any]) -> Iterator[Any]:
        for record in records:
            asked.append(record.key)
            match Path(record.audio.uri).read_text():
                case "away":
                    yield Unread(
                        key=record.key,
                        node="copy/speech",
                        source="speech",
                        path=record.path,
                        reason="no answer in time",
                        absent=False,
                    )
                case "missing" | "unavailable" | "bad" as reason:
                    yield Reject(
                        key=record.key,
                        stage="copy",
                        source="speech",
                        path=record.path,
                        reason=reason,
                        detail="",
                        seconds=record.seconds,
                    )
                case _:
                    yield record


@pytest.fixture
def files(store: Store, tmp_path: Path) -> Path:
    """Four utterances, the third of which is bad."""
    for key in "abcd":
        (tmp_path / key).write_text("bad" if key == "c" else "good")
    made = [
        Utterance(
            key=key,
            recording=key,
            source="speech",
            audio=Audio(f"{tmp_path}/{key}"),
            sha256="",
            start=0.0,
            end=2.0,
            path=f"{key}.wav",
        )
        for key in "abcd"
    ]
    write_part(store, part_name("in/speech", 0), made, Utterance, "one")
    asked.clear()
    return tmp_path


WORK = PartWork(node="copy/speech", stage=Reading(), part=0, inputs=(Input("in/speech", Utterance),))


def content(store: Store) -> dict[str, bytes]:
    return {str(p.relative_to(store.root)): p.read_bytes() for p in Path(store.root).rglob("*") if p.is_file()}


def test_what_could_be_read_is_not_read_again(store: Store, files: Path) -> None:
    Runner(store).run(WORK)
    undisturbed = content(store)
    store.remove(WORK.makes)
    (files / "b").write_text("away")
    with pytest.raises(UnreadItems, match=r"cannot be read now: b\.wav \(no answer in time\)$"):
        Runner(store).run(WORK)
    assert not store.exists(WORK.makes) and not WORK.done(store)
    assert [item.path for item in noted_unread(store, [WORK])] == ["b.wav"]
    (files / "b").write_text("good")
    asked.clear()
    Runner(store).run(WORK)
    assert asked == ["b"] and WORK.done(store)
    assert content(store) == undisturbed, "neither what was kept nor what was noted is left"


def test_what_was_kept_is_of_the_same_settings(store: Store, files: Path) -> None:
    (files / "b").write_text("away")
    with pytest.raises(UnreadItems):
        Runner(store).run(WORK)
    asked.clear()
    with pytest.raises(UnreadItems):
        Runner(store).run(replace(WORK, stage=Reading(setting=1)))
    assert asked == ["a", "b", "c", "d"]


@pytest.mark.parametrize("reason", ASKED_AGAIN)
def test_of_a_part_that_is_whole_only_what_could_not_be_read_is_read_again(
    store: Store, files: Path, reason: str
) -> None:
    (files / "b").write_text(reason)
    Runner(store).run(WORK)
    before = content(store)
    asked.clear()
    assert not WORK.done(store)
    Runner(store).run(WORK)
    assert asked == ["b"] and content(store) == before
    (files / "b").write_text("good")
    Runner(store).run(WORK)
    assert WORK.done(store)
    assert [u.key for u in read_part(store, WORK.makes, Utterance)] == ["a", "b", "d"]
    assert [r.key for r in read_part(store, WORK.rejects, Reject)] == ["c"]


class Stopping(Reading):
    """Stops at what it cannot read, as all stages do that read audio."""

    def __call__(self, records: Iterable[Any]) -> Iterator[Any]:
        for record in records:
            if not Path(record.audio.uri).exists():
                raise Unavailable(record.audio.uri, "Input/output error")
            yield record


def test_a_stage_that_stops_at_the_first_says_all_that_are_away(store: Store, files: Path) -> None:
    for key in "bd":
        (files / key).unlink()
    with pytest.raises(UnreadItems) as fault:
        Runner(store).run(replace(WORK, stage=Stopping()))
    found = [(item.key, item.path, item.reason, item.absent) for item in fault.value.items]
    assert found == [("b", "b.wav", "Input/output error", False), ("d", "d.wav", "No such file or directory", True)]
