"""Ends what Ray leaves running where the driver is killed: its agents notice the end of their node a minute late, or never.

    python ray_watchdog.py DRIVER        runs beside the driver; the end of its standard input is the end of the driver

While the driver lives it remembers the processes below its raylets. A byte on standard input says that all ended well.
"""

import contextlib
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

EVERY = 1.0  # seconds between two looks at the processes


def start(driver: int) -> "subprocess.Popen[bytes] | None":
    """None where there is no /proc to look at."""
    if not Path("/proc/self/stat").exists():
        return None
    command = [sys.executable, "-S", __file__, str(driver)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)


def stop(watchdog: "subprocess.Popen[bytes] | None") -> None:
    if watchdog and watchdog.stdin:
        with contextlib.suppress(OSError):
            watchdog.stdin.write(b".")
            watchdog.stdin.close()
        watchdog.wait()


def processes() -> dict[int, tuple[int, str, str]]:
    """Parent, time of birth and name of each process."""
    found = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            head, _, rest = Path("/proc", name, "stat").read_text().rpartition(")")
            fields = rest.split()
            found[int(name)] = int(fields[1]), fields[19], head.partition("(")[2]
    return found


def below_raylets(driver: int) -> set[tuple[int, str]]:
    """Numbers and times of birth of the raylets that a driver started, and of all that these started."""
    known = processes()
    inside = {pid for pid, (parent, _, name) in known.items() if parent == driver and name == "raylet"}
    while more := {pid for pid, (parent, _, _) in known.items() if parent in inside} - inside:
        inside |= more
    return {(pid, known[pid][1]) for pid in inside}


def watch(driver: int) -> None:
    seen: set[tuple[int, str]] = set()
    while not select.select([sys.stdin], [], [], EVERY)[0]:
        seen = below_raylets(driver) or seen
    if sys.stdin.buffer.read(1):
        return
    alive = processes()
    for pid, born in seen:
        if pid in alive and alive[pid][1] == born:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    watch(int(sys.argv[1]))
