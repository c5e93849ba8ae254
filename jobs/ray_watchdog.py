"""Kills the processes that Ray leaves when the driver is killed: its agents notice the end of their node a minute late, or never.

    python ray_watchdog.py DRIVER        runs beside the driver; the end of its standard input is the end of the driver

While the driver lives, the watchdog records the processes below its raylets. A byte on standard input means a normal end.
"""

import contextlib
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

EVERY = 1.0  # seconds between two readings of /proc


def start(driver: int) -> "subprocess.Popen[bytes] | None":
    """Starts the watchdog of a driver (a process number). None where there is no /proc."""
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
    """Parent, start time and name of each process, by its number."""
    by_pid = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            head, _, rest = Path("/proc", name, "stat").read_text().rpartition(")")
            fields = rest.split()
            by_pid[int(name)] = int(fields[1]), fields[19], head.partition("(")[2]
    return by_pid


def below_raylets(driver: int) -> set[tuple[int, str]]:
    """Numbers and start times of the raylets that a driver started, and of all their descendants."""
    running = processes()
    inside = {pid for pid, (parent, _, name) in running.items() if parent == driver and name == "raylet"}
    while more := {pid for pid, (parent, _, _) in running.items() if parent in inside} - inside:
        inside |= more
    return {(pid, running[pid][1]) for pid in inside}


def watch(driver: int) -> None:
    descendants: set[tuple[int, str]] = set()
    while not select.select([sys.stdin], [], [], EVERY)[0]:
        descendants = below_raylets(driver) or descendants
    if sys.stdin.buffer.read(1):
        return
    running = processes()
    for pid, started in descendants:
        if pid in running and running[pid][1] == started:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    watch(int(sys.argv[1]))
