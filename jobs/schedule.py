"""Hands work to an engine as soon as what it needs stands: all stages are in flight at once.

    run(works, store, engine, report)     report(Event("align/speech", "done", seconds=3.1, made=98))

Of the work that is ready, what lies furthest down the line goes first, so samples flow out rather than pile up. Work
that is done already is told by its fingerprint and not handed out.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from weft.jobs.engine import Engine, Lost
from weft.pipelines.store import Store
from weft.pipelines.work import Work

TRIES = 4  # workers that may die over one piece of work


class BuildError(RuntimeError):
    """Work that failed; the message names it."""


@dataclass(frozen=True, slots=True)
class Event:
    """One piece of work that came to an end: "done" by a worker now, or "kept" from before."""

    node: str
    what: str
    made: int = 0
    seconds: float = 0.0


def run(works: Sequence[Work], store: Store, engine: Engine, report: Callable[[Event], None]) -> None:
    """Returns when all work is done. Raises BuildError when a piece of work fails."""
    queue = _Queue(works)
    tries: Counter[str] = Counter()
    flying = 0
    while queue.left:
        while (work := queue.first()) is not None:
            if work.done(store):
                queue.take()
                queue.finish(work)
                report(Event(work.node, "kept"))
            elif engine.accepts(work.resources):
                engine.submit(queue.take())
                flying += 1
            else:
                break
        if not queue.left:
            break
        assert flying, "work waits for something that nobody makes"
        end = engine.finished()
        flying -= 1
        if isinstance(end, Lost):
            tries[end.work.makes] += 1
            if tries[end.work.makes] >= TRIES:
                raise BuildError(f"{end.work.makes}: {TRIES} workers died over it ({end.detail})")
            queue.put(end.work)
        else:
            queue.finish(end.work)
            report(Event(end.work.node, "done", end.made, end.seconds))


class _Queue:
    """Work in the order in which it may begin."""

    def __init__(self, works: Sequence[Work]) -> None:
        made = {work.makes for work in works}
        self._rank = {work.makes: rank for rank, work in enumerate(works)}
        self._missing = {work.makes: {name for name in work.needs if name in made} for work in works}
        self._after: dict[str, list[Work]] = {}
        for work in works:
            for name in self._missing[work.makes]:
                self._after.setdefault(name, []).append(work)
        self._ready: list[tuple[int, Work]] = []
        self.left = len(works)
        for work in works:
            if not self._missing[work.makes]:
                self.put(work)

    def put(self, work: Work) -> None:
        heapq.heappush(self._ready, (-self._rank[work.makes], work))

    def first(self) -> Work | None:
        return self._ready[0][1] if self._ready else None

    def take(self) -> Work:
        return heapq.heappop(self._ready)[1]

    def finish(self, work: Work) -> None:
        self.left -= 1
        for later in self._after.pop(work.makes, []):
            self._missing[later.makes].discard(work.makes)
            if not self._missing[later.makes]:
                self.put(later)
