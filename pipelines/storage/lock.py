"""One build of a corpus at a time: a file that says who holds it.

corpus/build.lock    {"host": "node-1", "pid": 4711, "started": "812345", "since": 1731999000.0, "beat": 1731999015.0, "token": "9f…"}

    with Lock(store):          raises Locked where a living build holds it
        ...

The lock of a dead holder (see `holder.py`) is taken over.
Local and shared file systems create the file exclusively. Elsewhere that is as good as the store's own exclusive creation; where
a store has none, the last of two builds that begin in the same moment holds the lock, and the other one stops when it renews it.
"""

import errno
import os
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from weft.pipelines.storage.holder import DEAD_AFTER, Holder, is_dead, parsed, started_at, this_host, to_bytes
from weft.pipelines.storage.store import Store

NAME = "build.lock"
BEAT_EVERY = 15.0  # seconds
_TRIES = 5
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS}  # what file systems without hard links say


class Locked(Exception):
    """Another build holds the corpus, or has taken it over from this one."""


class Lock:
    """Held within a `with`. `clock` gives Unix times."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store, self._clock = store, clock
        self._ended = threading.Event()
        now = clock()
        self._me = Holder(
            host=this_host(),
            pid=os.getpid(),
            started=started_at(os.getpid()),
            since=now,
            beat=now,
            token=uuid.uuid4().hex,
        )

    def __enter__(self) -> "Lock":
        self.take()
        threading.Thread(target=self._renew, daemon=True, name="weft-lock").start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        try:
            if error is None:
                self.beat()  # a build that lost its lock has not ended well
        finally:
            self.release()

    def take(self) -> None:
        """Raises Locked where somebody else who lives has it."""
        for _ in range(_TRIES):
            if _create(self._store, to_bytes(self._me)):
                return
            other = holder(self._store)
            if other and not is_dead(other, self._clock()):
                break
            if other:
                self._put_aside(other)
        raise Locked(_held(self._store, other))

    def beat(self) -> None:
        """Renews the lock. Raises Locked where it is no longer this one's."""
        other = holder(self._store)
        if not other or other.token != self._me.token:
            raise Locked(f"{self._store.url}: this build's lock is gone; {_held(self._store, other)}")
        self._me = replace(self._me, beat=self._clock())
        self._store.write(NAME, to_bytes(self._me))

    def release(self) -> None:
        other = holder(self._store)
        if other and other.token == self._me.token:
            self._store.remove(NAME)

    def _renew(self) -> None:
        while not self._ended.wait(BEAT_EVERY):
            try:
                self.beat()
            except Locked:  # reported at the end
                return
            except Exception:  # noqa: BLE001 - the disk or the network for a moment, by a library's own name; it is tried again
                continue

    def _put_aside(self, dead: Holder) -> None:
        """Takes the lock of a dead holder away; one that a third build has put there meanwhile is put back."""
        if not self._store.local:
            self._store.remove(NAME)
            return
        lock = Path(self._store.path(NAME))
        aside = lock.with_name(f"{NAME}.tmp-{uuid.uuid4().hex}")
        with suppress(FileNotFoundError):
            os.rename(lock, aside)
            if parsed(aside.read_bytes(), 0.0).token != dead.token:
                with suppress(FileExistsError):
                    os.link(aside, lock)
            aside.unlink()


def holder(store: Store) -> Holder | None:
    """Who holds a corpus; None where nobody does."""
    try:
        data = store.read(NAME)
        return parsed(data, store.fs.modified(store.path(NAME)).timestamp())
    except FileNotFoundError:
        return None


def builder(store: Store, clock: Callable[[], float] = time.time) -> Holder | None:
    """Who builds a corpus now; None where nobody does, or who held it is dead. Reading needs no lock."""
    other = holder(store)
    return other if other and other.token and not is_dead(other, clock()) else None


def _held(store: Store, other: Holder | None) -> str:
    if other and not other.token:
        return (
            f"{store.url}/{NAME} is no lock that weft wrote; if no other build of this corpus runs, remove that file and run the "
            f"same command again (one that nobody changes for {DEAD_AFTER:.0f} s is taken over)"
        )
    who = other.who if other else "somebody who began in this moment"
    return f"{store.url}: another build holds this corpus ({who}); wait for it, or end it"


def _create(store: Store, data: bytes) -> bool:
    """Whether the lock was not there and now is, with these bytes."""
    if store.local:
        return _create_locally(Path(store.path(NAME)), data)
    if holder(store):
        return False
    store.fs.makedirs(store.root, exist_ok=True)
    try:
        store.fs.pipe_file(store.path(NAME), data, mode="create")
    except FileExistsError:
        return False
    except (NotImplementedError, TypeError, ValueError):  # the store cannot create exclusively
        store.fs.pipe_file(store.path(NAME), data)
    return store.read(NAME) == data


def _create_locally(lock: Path, data: bytes) -> bool:
    """With its content at once: a link to a file that is whole, which is atomic on a shared file system too."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    scratch = lock.with_name(f"{NAME}.tmp-{uuid.uuid4().hex}")
    try:
        with open(scratch, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(scratch, lock)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return _create_without_links(lock, data)
    finally:
        scratch.unlink(missing_ok=True)
    return True


def _create_without_links(lock: Path, data: bytes) -> bool:
    """On a file system that has no hard links."""
    try:
        with open(lock, "xb") as file:
            file.write(data)
    except FileExistsError:
        return False
    return True
