"""Processor time of this process and all that it starts, Ray's workers too, which nobody waits for. Read off /proc (Linux).

with ProcessorClock() as clock: ...
clock.seconds                                  ->  312.4
"""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

POLL = 0.5  # seconds; the last moments of a process that ends between are not counted
_TICKS = os.sysconf("SC_CLK_TCK")


class ProcessorClock:
    """Counts from its entry to its exit."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, int], float] = {}  # by process and when it began
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._poll, daemon=True)

    @property
    def seconds(self) -> float:
        return sum(self._seen.values()) - self._before

    def __enter__(self) -> Self:
        self._look()
        self._before = sum(self._seen.values())
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._end.set()
        self._thread.join()
        self._look()

    def _poll(self) -> None:
        while not self._end.wait(POLL):
            self._look()

    def _look(self) -> None:
        self._seen |= dict(_times(os.getpid()))


def _times(root: int) -> Iterator[tuple[tuple[int, int], float]]:
    """Processor seconds of a process and its descendants, each by its id and when it began."""
    processes = dict(_processes())
    family = {root}
    while more := {pid for pid, (parent, _, _) in processes.items() if parent in family} - family:
        family |= more
    for pid in family & processes.keys():
        _, began, seconds = processes[pid]
        yield (pid, began), seconds


def _processes() -> Iterator[tuple[int, tuple[int, int, float]]]:
    """Of each process its parent, when it began and its own processor seconds."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        yield int(folder.name), (int(fields[1]), int(fields[19]), (int(fields[11]) + int(fields[12])) / _TICKS)
