"""One build of a corpus at a time, and one training of a run: a file that says who holds the folder.

corpus/build.lock    {"host": "node-1", "pid": 4711, "started": "812345", "since": 1731999000.0, "beat": 1731999015.0, "token": "9f…"}

    with Lock(store):                     raises Locked where a living build holds it
        ...
    with Lock(store, work=TRAINING):      run/training.lock
        ...

The lock of a dead holder (see `holder.py`) is taken over.
Local and shared file systems create the file exclusively. Elsewhere that is as good as the store's own exclusive creation; where
a store has none, the last of two that begin in the same moment holds the lock, and the other one stops when it renews it.
"""

import errno
import os
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from weft.pipelines.storage.holder import DEAD_AFTER, Holder, is_dead, parsed, started_at, this_host, to_bytes
from weft.pipelines.storage.store import Store

BEAT_EVERY = 15.0  # seconds
_TRIES = 5
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS}  # what file systems without hard links say


@dataclass(frozen=True, slots=True)
class LockedWork:
    """What is done by one at a time in a folder, and what that folder holds."""

    name: str
    folder: str

    @property
    def lock(self) -> str:
        """The file that says who is at work."""
        return f"{self.name}.lock"


BUILD = LockedWork(name="build", folder="corpus")
TRAINING = LockedWork(name="training", folder="run")
NAME = BUILD.lock


class Locked(Exception):
    """Another build or training holds the folder, or has taken it over from this one."""


class Lock:
    """Held within a `with`. `clock` gives Unix times."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time, work: LockedWork = BUILD) -> None:
        self._store, self._work, self._clock = store, work, clock
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
                self.beat()  # work that lost its lock has not ended well
        finally:
            self.release()

    def take(self) -> None:
        """Raises Locked where somebody else who lives has it."""
        for _ in range(_TRIES):
            if _create(self._store, self._work, to_bytes(self._me)):
                return
            other = holder(self._store, self._work)
            if other and not is_dead(other, self._clock()):
                break
            if other:
                self._put_aside(other)
        raise Locked(_held(self._store, self._work, other))

    def beat(self) -> None:
        """Renews the lock. Raises Locked where it is no longer this one's."""
        other = holder(self._store, self._work)
        if not other or other.token != self._me.token:
            gone = f"{self._store.url}: this {self._work.name}'s lock is gone"
            raise Locked(f"{gone}; {_held(self._store, self._work, other)}")
        self._me = replace(self._me, beat=self._clock())
        self._store.write(self._work.lock, to_bytes(self._me))

    def release(self) -> None:
        other = holder(self._store, self._work)
        if other and other.token == self._me.token:
            self._store.remove(self._work.lock)

    def _renew(self) -> None:
        while not self._ended.wait(BEAT_EVERY):
            try:
                self.beat()
            except Locked:  # reported at the end
                return
            except Exception:  # noqa: BLE001 - the disk or the network for a moment, by a library's own name; it is tried again
                continue

    def _put_aside(self, dead: Holder) -> None:
        """Takes the lock of a dead holder away; one that a third has put there meanwhile is put back."""
        if not self._store.local:
            self._store.remove(self._work.lock)
            return
        lock = Path(self._store.path(self._work.lock))
        aside = lock.with_name(f"{lock.name}.tmp-{uuid.uuid4().hex}")
        with suppress(FileNotFoundError):
            os.rename(lock, aside)
            if parsed(aside.read_bytes(), 0.0).token != dead.token:
                with suppress(FileExistsError):
                    os.link(aside, lock)
            aside.unlink()


def holder(store: Store, work: LockedWork = BUILD) -> Holder | None:
    """Who holds a folder; None where nobody does."""
    try:
        data = store.read(work.lock)
        return parsed(data, store.fs.modified(store.path(work.lock)).timestamp())
    except FileNotFoundError:
        return None


def builder(store: Store, clock: Callable[[], float] = time.time) -> Holder | None:
    """Who builds a corpus now; None where nobody does, or who held it is dead. Reading needs no lock."""
    other = holder(store)
    return other if other and other.token and not is_dead(other, clock()) else None


def _held(store: Store, work: LockedWork, other: Holder | None) -> str:
    if other and not other.token:
        return (
            f"{store.url}/{work.lock} is no lock that weft wrote; if no other {work.name} of this {work.folder} runs, remove that file "
            f"and run the same command again (one that nobody changes for {DEAD_AFTER:.0f} s is taken over)"
        )
    who = other.who if other else "somebody who began in this moment"
    return f"{store.url}: another {work.name} holds this {work.folder} ({who}); wait for it, or end it"


def _create(store: Store, work: LockedWork, data: bytes) -> bool:
    """Whether the lock was not there and now is, with these bytes."""
    if store.local:
        return _create_locally(Path(store.path(work.lock)), data)
    if holder(store, work):
        return False
    store.fs.makedirs(store.root, exist_ok=True)
    try:
        store.fs.pipe_file(store.path(work.lock), data, mode="create")
    except FileExistsError:
        return False
    except (NotImplementedError, TypeError, ValueError):  # the store cannot create exclusively
        store.fs.pipe_file(store.path(work.lock), data)
    return store.read(work.lock) == data


def _create_locally(lock: Path, data: bytes) -> bool:
    """With its content at once: a link to a file that is whole, which is atomic on a shared file system too."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    scratch = lock.with_name(f"{lock.name}.tmp-{uuid.uuid4().hex}")
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
