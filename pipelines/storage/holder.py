"""Who holds the lock of a corpus: a process on a host, which lives or is dead.

{"host": "node-1", "pid": 4711, "started": "812345", "since": 1731999000.0, "beat": 1731999015.0, "token": "9f…"}

A holder on this machine is dead when its process is gone or began at another time. One elsewhere is dead when it has not
renewed `beat` for `DEAD_AFTER` seconds, so the clocks of machines that share a corpus must agree to well within that.
"""

import json
import os
import socket
import subprocess
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

DEAD_AFTER = 120.0  # seconds


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


def to_bytes(who: Holder) -> bytes:
    return (json.dumps(asdict(who)) + "\n").encode()


def parsed(data: bytes, modified: float) -> Holder:
    """What is no lock is nobody's, and was renewed when the file was `modified`."""
    try:
        return Holder(**json.loads(data))
    except (ValueError, TypeError, OverflowError, OSError, RecursionError):
        return Holder(host="(unknown)", pid=0, started="", since=modified, beat=modified, token="")


def is_dead(other: Holder, now: float) -> bool:
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
