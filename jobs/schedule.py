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
from weft.schemas.changes import reasons

TRIES = 4  # workers that may die over one piece of work


class BuildError(RuntimeError):
    """Work that failed; the message names it."""


@dataclass(frozen=True, slots=True)
class Event:
    """One piece of work that came to an end: "done" by a worker now, or "kept" from before.

    `again` where an older result stood, and `why` it was not good any more; of what was kept, `why` says what is to be known of it.
    """

    node: str
    what: str
    made: int = 0
    seconds: float = 0.0
    again: bool = False
    why: tuple[str, ...] = ()


def run(works: Sequence[Work], store: Store, engine: Engine, report: Callable[[Event], None]) -> None:
    """Returns when all work is done. Raises BuildError when a piece of work fails."""
    queue = _Queue(works)
    tries: Counter[str] = Counter()
    whys: dict[str, list[str] | None] = {}
    flying = 0
    while queue.left:
        while (work := queue.first()) is not None:
            if work.done(store):
                queue.take()
                queue.finish(work)
                report(Event(work.node, "kept", why=note_of(work, store)))
            elif engine.accepts(work.resources):
                whys.setdefault(work.makes, why_again(work, store))
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
            why = whys.pop(end.work.makes, None)
            report(Event(end.work.node, "done", end.made, end.seconds, why is not None, tuple(why or ())))


def why_again(work: Work, store: Store) -> list[str] | None:
    """What differs from what an older result was made from, where one stands; None where none does, or it does not say."""
    recorded, made_from = getattr(work, "recorded", None), getattr(work, "made_from", None)
    old = recorded(store) if recorded and made_from else None
    return None if old is None or made_from is None else reasons(old, made_from(store))


def note_of(work: Work, store: Store) -> tuple[str, ...]:
    """What is to be known of work that is kept, such as that a model is frozen."""
    note = getattr(work, "note", None)
    return tuple(filter(None, [note(store) if note else ""]))


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
