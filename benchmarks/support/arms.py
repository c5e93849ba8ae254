"""Two arms over the same work: a stage as the build runs it, and its kernel alone, each in two warm processes.

against("align", pair, audio_seconds=600.0)  ->  align: stage 6.1 s, kernel alone 5.4 s, stage / kernel 1.12 x (limit 1.3), …
"""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from weft.benchmarks.support.common import Comparison, Figure, alternate, processes

WORKERS = 2
ROUNDS = 3
LIMIT = 1.3


def pool(ready: Callable[..., None], *arguments: Any) -> ProcessPoolExecutor:
    """Two processes; `ready` runs once in each."""
    return ProcessPoolExecutor(WORKERS, processes, ready, arguments)


def over(workers: ProcessPoolExecutor, kernel: Callable[[int], Any], count: int) -> Callable[[], list[Any]]:
    """Runs `kernel` on `count` parts, taken as workers come free; the last first, as the scheduler hands them out."""
    return lambda: list(workers.map(kernel, reversed(range(count))))


def compare(stage: Callable[[], object], kernel: Callable[[], object]) -> Comparison:
    """Both arms once to warm them (the kernel twice, so that both its processes are), then in turn."""
    for warm in (kernel, kernel, stage):
        warm()
    return alternate(stage, kernel, ROUNDS)


def against(name: str, pair: Comparison, audio_seconds: float = 0.0) -> list[Figure]:
    """The figures of a pair; `audio_seconds` is the length of its speech, in seconds."""
    figures = [
        Figure(f"{name}: stage", pair.first, "s"),
        Figure(f"{name}: kernel alone", pair.second, "s"),
        Figure(name=f"{name}: stage / kernel", value=pair.ratio, unit="x", limit=LIMIT),
    ]
    return (
        [*figures, Figure(f"{name}: speed of the stage", audio_seconds / pair.first, "x real time")]
        if audio_seconds
        else figures
    )
