"""One build at a time: a living holder keeps the lock, a dead one loses it. Clocks are given, nothing waits."""

import errno
import json
import os
import subprocess
import sys
import uuid
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from weft.pipelines.storage.damage import InTheWay
from weft.pipelines.storage.holder import DEAD_AFTER, Holder, started_at, this_host
from weft.pipelines.storage.lock import NAME, TRAINING, Lock, Locked, builder, holder
from weft.pipelines.storage.store import Store

NOW = 1_800_000_000.0


@pytest.fixture(params=["local", "memory"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return Store(str(tmp_path / "corpus") if request.param == "local" else f"memory://{uuid.uuid4().hex}/corpus")


def held_by(store: Store, **facts: object) -> Holder:
    me = Holder(host=this_host(), pid=os.getpid(), started=started_at(os.getpid()), since=NOW, beat=NOW, token="other")
    other = replace(me, **facts)  # type: ignore[arg-type]
    store.write(NAME, json.dumps(asdict(other)).encode())
    return other


def test_the_second_is_told_who_holds_it_and_since_when(any_store: Store) -> None:
    with (
        Lock(any_store, lambda: NOW),
        pytest.raises(Locked, match=rf"process {os.getpid()} on .*, since 2027-01-15 08:00:00 UTC"),
    ):
        Lock(any_store, lambda: NOW + 9 * DEAD_AFTER).take()
    assert holder(any_store) is None
    with Lock(any_store, lambda: NOW):
        assert holder(any_store)


def test_the_lock_of_a_process_that_is_gone_is_taken_over_at_once(any_store: Store) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    held_by(any_store, pid=gone.pid, started="1")
    Lock(any_store, lambda: NOW).take()
    assert (now := holder(any_store)) and now.pid == os.getpid()


def test_a_process_that_began_at_another_time_is_another(any_store: Store) -> None:
    held_by(any_store, started="1")
    Lock(any_store, lambda: NOW).take()
    assert (now := holder(any_store)) and now.token != "other"


def test_a_holder_elsewhere_is_dead_when_it_renews_nothing(any_store: Store) -> None:
    held_by(any_store, host="node-7 boot pid", pid=1)
    with pytest.raises(Locked, match="process 1 on node-7, since"):
        Lock(any_store, lambda: NOW + DEAD_AFTER - 1).take()
    Lock(any_store, lambda: NOW + DEAD_AFTER + 1).take()
    assert (now := holder(any_store)) and now.pid == os.getpid()


def test_a_training_and_a_build_hold_locks_of_their_own(any_store: Store) -> None:
    with Lock(any_store), Lock(any_store, work=TRAINING):
        with pytest.raises(Locked, match="another training holds this run"):
            Lock(any_store, work=TRAINING).take()
        assert any_store.exists("training.lock")
    assert not any_store.exists("training.lock")


def test_who_builds_now(any_store: Store) -> None:
    assert builder(any_store, lambda: NOW) is None
    held_by(any_store, host="node-7 boot pid", pid=1)
    assert (now := builder(any_store, lambda: NOW + DEAD_AFTER - 1)) and now.who.startswith("process 1 on node-7")
    assert builder(any_store, lambda: NOW + DEAD_AFTER + 1) is None
    any_store.write(NAME, b"garbage")
    assert builder(any_store, lambda: NOW) is None


def test_renewing_moves_the_beat_and_notices_a_lock_that_was_taken(any_store: Store) -> None:
    times = iter([NOW, NOW + 15])
    mine = Lock(any_store, lambda: next(times))
    mine.take()
    mine.beat()
    assert (now := holder(any_store)) and (now.since, now.beat) == (NOW, NOW + 15)
    held_by(any_store)
    with pytest.raises(Locked, match="this build's lock is gone"):
        mine.beat()
    mine.release()
    assert (now := holder(any_store)) and now.token == "other"


GARBAGE = (
    b"", b"garbage", b"\xff\0", b"[" * 100_000, b"5", b"{}", b'{"pid": 1}',
    json.dumps({"host": 1, "pid": "x", "started": [], "since": "today", "beat": None, "token": {}}).encode(),
    json.dumps({"host": "a", "pid": 1, "started": "", "since": 1e300, "beat": 1e300, "token": "b"}).encode(),
)  # fmt: skip


@pytest.mark.parametrize("content", GARBAGE)
def test_what_is_no_lock_is_reported_at_once_and_taken_over_where_it_is_old(store: Store, content: bytes) -> None:
    store.write(NAME, content)
    written = os.stat(store.path(NAME)).st_mtime
    with pytest.raises(Locked, match=rf"^{store.url}/{NAME} is no lock that weft wrote; .*remove that file and run"):
        Lock(store, lambda: written + 1).take()
    assert store.read(NAME) == content
    Lock(store, lambda: written + DEAD_AFTER + 1).take()
    assert (now := holder(store)) and now.pid == os.getpid()


def test_a_folder_in_its_place_is_named(store: Store) -> None:
    Path(store.path(NAME)).mkdir(parents=True)
    with pytest.raises(InTheWay, match=rf"{NAME} is a folder, and a file of the corpus belongs there"):
        Lock(store, lambda: NOW).take()


def test_a_file_system_without_links_creates_exclusively(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*names: object) -> None:
        raise PermissionError(errno.EPERM, "not permitted")

    monkeypatch.setattr(os, "link", no_links)
    Lock(store, lambda: NOW).take()
    with pytest.raises(Locked):
        Lock(store, lambda: NOW).take()
    assert [p.name for p in Path(store.root).iterdir()] == [NAME]
