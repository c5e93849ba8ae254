"""One build of a corpus at a time: a file that says who holds it.

corpus/build.lock    {"host": "node-1", "pid": 4711, "started": "812345", "since": 1731999000.0, "beat": 1731999015.0, "token": "9f…"}

    with Lock(store):          raises Locked where a living build holds it
        ...

A holder on this machine is dead when its process is gone or began at another time. One elsewhere is dead when it has not
renewed `beat` for `DEAD_AFTER` seconds, so the clocks of machines that share a corpus must agree to well within that.
Local and shared file systems create the file exclusively. Elsewhere that is as good as the store's own exclusive creation; where
a store has none, the last of two builds that begin in the same moment holds the lock, and the other one stops when it renews it.
"""

import errno
import json
import os
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from weft.pipelines.storage.store import Store

NAME = "build.lock"
BEAT_EVERY = 15.0  # seconds
DEAD_AFTER = 120.0  # seconds
_TRIES = 5
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS}  # what file systems without hard links say


class Locked(Exception):
    """Another build holds the corpus, or has taken it over from this one."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock. `since` and `beat` are Unix times, `started` is what the system says of when the process began.

    Without a `token` it is nobody: the file is no lock, or is not written yet, and `beat` is when it last changed.
    """

    host: str
    pid: int
    started: str
    since: float
    beat: float
    token: str

    def __post_init__(self) -> None:
        """Raises TypeError, ValueError and OverflowError for what no lock says."""
        if not all(isinstance(text, str) for text in (self.host, self.started, self.token)):
            raise TypeError("host, started and token are texts")
        if not isinstance(self.pid, int) or self.pid < 0:
            raise TypeError("pid is a number")
        for moment in (self.since, self.beat):
            datetime.fromtimestamp(moment, UTC)

    @property
    def who(self) -> str:
        since = datetime.fromtimestamp(self.since, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        return f"process {self.pid} on {self.host.partition(' ')[0]}, since {since}"


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
            if _create(self._store, _bytes(self._me)):
                return
            other = holder(self._store)
            if other and not _is_dead(other, self._clock()):
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
        self._store.write(NAME, _bytes(self._me))

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
            if _parsed(aside.read_bytes(), 0.0).token != dead.token:
                with suppress(FileExistsError):
                    os.link(aside, lock)
            aside.unlink()


def holder(store: Store) -> Holder | None:
    """Who holds a corpus; None where nobody does."""
    try:
        data = store.read(NAME)
        return _parsed(data, store.fs.modified(store.path(NAME)).timestamp())
    except FileNotFoundError:
        return None


def builder(store: Store, clock: Callable[[], float] = time.time) -> Holder | None:
    """Who builds a corpus now; None where nobody does, or who held it is dead. Reading needs no lock."""
    other = holder(store)
    return other if other and other.token and not _is_dead(other, clock()) else None


def _is_dead(other: Holder, now: float) -> bool:
    if other.host == this_host():
        return started_at(other.pid) != other.started
    return now - other.beat > DEAD_AFTER


def this_host() -> str:
    """The machine and, on Linux, its boot and its space of process ids: where a process id means the same."""
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts += [Path("/proc/sys/kernel/random/boot_id").read_text().strip(), os.readlink("/proc/self/ns/pid")]
    return " ".join(parts)


def started_at(pid: int) -> str:
    """When a process of this machine began, as the system says it; "" for one that is gone."""
    if Path("/proc/self/stat").exists():
        try:
            after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if after_name[0] in "ZX" else after_name[19]  # a zombie works no more
    return subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()


def _held(store: Store, other: Holder | None) -> str:
    if other and not other.token:
        return (
            f"{store.url}/{NAME} is no lock that weft wrote; if no other build of this corpus runs, remove that file and run the "
            f"same command again (one that nobody changes for {DEAD_AFTER:.0f} s is taken over)"
        )
    who = other.who if other else "somebody who began in this moment"
    return f"{store.url}: another build holds this corpus ({who}); wait for it, or end it"


def _bytes(who: Holder) -> bytes:
    return (json.dumps(asdict(who)) + "\n").encode()


def _parsed(data: bytes, modified: float) -> Holder:
    """What is no lock is nobody's, and was renewed when the file was `modified`."""
    try:
        return Holder(**json.loads(data))
    except (ValueError, TypeError, OverflowError, OSError, RecursionError):
        return Holder(host="(unknown)", pid=0, started="", since=modified, beat=modified, token="")


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
