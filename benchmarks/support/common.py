"""What the benchmarks share: figures with limits, child processes with a peak of their own, ratios of alternating runs.

Figure("align", 1.12, "x of the kernel", limit=1.3)      ->   align   1.12 x of the kernel   limit 1.3   ok
"""

import argparse
import gc
import json
import multiprocessing
import shutil
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

FOLDER = Path("bench")
MB = 1 << 20
processes = multiprocessing.get_context("spawn")  # a fork would inherit torch's threads and the parent's memory


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. `limit` is the most it may be, or with `at_least` the least; without one it only informs."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    at_least: bool = False

    @property
    def kept(self) -> bool:
        if self.limit is None:
            return True
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    @property
    def verdict(self) -> str:
        return "" if self.limit is None else "ok" if self.kept else "MISSED"


def show(title: str, figures: Sequence[Figure]) -> None:
    """A plain table."""
    width = max(len(f.name) for f in figures)
    print(f"\n{title}")
    for f in figures:
        limit = "" if f.limit is None else f"limit {'>=' if f.at_least else '<='} {f.limit:g}"
        print(f"  {f.name:<{width}}  {_plain(f.value):>12} {f.unit:<24} {limit:<14} {f.verdict}".rstrip(), flush=True)


def _plain(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def alone(title: str, measure: Callable[[Path], list[Figure]]) -> None:
    """The command line of one benchmark."""
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="working folder (default: bench)")
    folder: Path = parser.parse_args().folder
    figures = timed_figures(measure, folder.resolve())
    show(title, figures)
    raise SystemExit(not all(f.kept for f in figures))


def timed_figures(measure: Callable[[Path], list[Figure]], folder: Path) -> list[Figure]:
    """The figures, and how long it took to get them."""
    folder.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    figures = measure(folder)
    return [*figures, Figure("time of this benchmark", time.perf_counter() - began, "s")]


def as_json(results: dict[str, list[Figure]]) -> str:
    rows = {name: [asdict(f) | {"kept": f.kept} for f in figures] for name, figures in results.items()}
    return json.dumps(rows, indent=1) + "\n"


# --- time ----------------------------------------------------------------------------------------------------------


def seconds(action: Callable[[], object]) -> float:
    gc.collect()
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


@dataclass(frozen=True, slots=True)
class Comparison:
    """Wall seconds of two arms run in turn on the same inputs; `ratio` is the median over rounds of first / second."""

    first: float
    second: float
    ratio: float


def alternate(first: Callable[[], object], second: Callable[[], object], rounds: int) -> Comparison:
    """Runs A B B A A B …, so that what else the machine does falls on both."""
    rows: list[tuple[float, float]] = []
    for turn in range(rounds):
        if turn % 2:
            late = seconds(second)
            rows.append((seconds(first), late))
        else:
            rows.append((seconds(first), seconds(second)))
    ours, theirs = zip(*rows, strict=True)
    return Comparison(statistics.median(ours), statistics.median(theirs), statistics.median(a / b for a, b in rows))


# --- memory --------------------------------------------------------------------------------------------------------


class ChildDied(RuntimeError):
    """A child process ended without a result: an error in it, or a signal."""


def in_child(function: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    """What `function` returns in a process of its own, and that process's peak resident memory in bytes. Raises ChildDied."""
    here, there = processes.Pipe(duplex=False)
    child = processes.Process(target=_child, args=(there, function, arguments))
    child.start()
    there.close()
    try:
        return here.recv()
    except EOFError:
        child.join()
        reason = f"by signal {-code}" if (code := child.exitcode or 0) < 0 else "its traceback is above"
        raise ChildDied(f"{function.__name__} ended in its child process without a result ({reason})") from None
    finally:
        child.join()


def _child(pipe: Connection, function: Callable[..., Any], arguments: Sequence[Any]) -> None:
    result = function(*arguments)
    pipe.send((result, peak()))


def peak() -> int:
    """Peak resident bytes of this process. Linux carries `ru_maxrss` over from the parent, so /proc goes first."""
    status = Path("/proc/self/status")
    if status.exists():
        return _status("VmHWM")
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def anonymous() -> int:
    """Resident bytes that are this process's own: memory-mapped files, which the kernel may drop, are not in it."""
    return _status("RssAnon")


def _status(field: str) -> int:
    rows = Path("/proc/self/status").read_text().splitlines()
    return next(int(row.split()[1]) * 1024 for row in rows if row.startswith(f"{field}:"))


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """A folder that is emptied before use, so that no earlier run is measured."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
