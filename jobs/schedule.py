"""Hands work to an engine as soon as what it needs stands: all stages are in flight at once.

    run(works, store, engine, report)     report(Event("align/speech", "done", seconds=3.1, made=98))

Of the work that is ready, what lies furthest down the line goes first, so samples flow out rather than pile up; work that
wants other resources does not wait behind it. Work that is done already is recognised by its fingerprint and not handed out.
A piece that fails stops what needs it, and nothing else.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from weft.jobs.engine import End, Engine, Failed, Finished, Lost
from weft.jobs.failures import FailedPiece, Failure, build_error
from weft.jobs.work_queue import WorkQueue
from weft.pipelines.parts.work import Work
from weft.pipelines.storage.store import Store
from weft.schemas.changes import reasons
from weft.schemas.faults import RecipeError
from weft.schemas.resources import Resources

TRIES = 4  # workers that may die over one piece of work


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
    """Returns when all work is done. Raises BuildError, which lists all that failed, once nothing else is left to do."""
    check_resources(works, store, engine)
    schedule = _Schedule(works, store, engine, report)
    while schedule.queue.left:
        schedule.hand_out()
        if schedule.queue.left:
            schedule.wait()
    if schedule.failed:
        raise build_error(schedule.failed, schedule.dropped)


def check_resources(works: Sequence[Work], store: Store, engine: Engine) -> None:
    """Raises RecipeError, before anything begins, where work that was never done fits no machine."""
    for kind in {work.resources for work in works}:
        try:
            engine.check(kind)
        except RecipeError:  # a corpus that was built where there are GPUs can be kept where there are none
            if any(work.resources == kind and not store.exists(work.makes) for work in works):
                raise


class _Schedule:
    """What is under way in one `run`."""

    def __init__(self, works: Sequence[Work], store: Store, engine: Engine, report: Callable[[Event], None]) -> None:
        self.queue = WorkQueue(works)
        self.failed: list[FailedPiece] = []
        self.dropped = 0
        self._store, self._engine, self._report = store, engine, report
        self._tries: Counter[str] = Counter()
        self._whys: dict[str, list[str] | None] = {}
        self._flying = 0
        self._lost: list[Work] = []  # lost more than once: it may be memory, so it waits until another piece has ended

    def hand_out(self) -> None:
        """Hands out what the engine accepts; asks of each piece whether it is done before a lower one is handed out."""
        full: set[Resources] = set()
        while True:
            work, fresh = self.queue.first(full), self.queue.fresh()
            if fresh and (work is None or self.queue.rank(fresh) > self.queue.rank(work)):
                self._ask(fresh)
                if work is None and self._flying and self.queue.fresh():
                    return  # the engine has something to do; see first whether something has ended
            elif work is None:
                return
            elif self._may_begin(work):
                if self._store.manifests:
                    self._store.manifests.forget(work.makes)
                self._engine.submit(self.queue.take(work))
                self._flying += 1
            else:
                full.add(work.resources)

    def wait(self) -> None:
        """Until a piece of work has ended; while there is still to be asked what is done, only looks."""
        if not self._flying and self._lost:
            self._release()
            return
        assert self._flying or self.queue.fresh(), "work waits for something that nobody makes"
        end = self._engine.finished(wait=not self.queue.fresh()) if self._flying else None
        if end:
            self._flying -= 1
            self._ended(end)

    def _ask(self, work: Work) -> None:
        """Once of each piece."""
        if work.done(self._store):
            self.queue.finish(work)
            self._report(Event(work.node, "kept", why=note_of(work, self._store)))
        else:
            self._whys[work.makes] = why_again(work, self._store)
            self.queue.put(work)

    def _may_begin(self, work: Work) -> bool:
        """Work further down the line that waits for a CPU is not passed over by work further up."""
        passed = any(self.queue.rank(starved) > self.queue.rank(work) for starved in self._engine.starved())
        return not passed and self._engine.accepts(work.resources)

    def _ended(self, end: End) -> None:
        if isinstance(end, Lost):
            self._retry(end)
            return
        self._release()
        if isinstance(end, Failed):
            self._fail(end.work, end.failure)
        elif isinstance(end, Finished):
            self.queue.finish(end.work)
            why = self._whys.pop(end.work.makes, None)
            self._report(Event(end.work.node, "done", end.made, end.seconds, why is not None, tuple(why or ())))

    def _retry(self, end: Lost) -> None:
        self._tries[end.work.makes] += 1
        tries = self._tries[end.work.makes]
        if tries >= TRIES:
            self._fail(end.work, Failure(reason=f"{TRIES} workers died over it ({end.detail})"))
        elif tries == 1:
            self.queue.put(end.work)
        else:
            self._lost.append(end.work)

    def _release(self) -> None:
        for work in self._lost:
            self.queue.put(work)
        self._lost.clear()

    def _fail(self, work: Work, failure: Failure) -> None:
        part = work.makes.removeprefix(f"{work.node}/").removesuffix(".parquet")
        self.failed.append(FailedPiece(node=work.node, part=part, failure=failure))
        self.dropped += self.queue.drop(work)


def why_again(work: Work, store: Store) -> list[str] | None:
    """What differs from what an older result was made from, where one stands; None where none does, or it does not say."""
    if why := getattr(work, "why", None):
        return list(found) if (found := why(store)) is not None else None
    recorded, made_from = getattr(work, "recorded", None), getattr(work, "made_from", None)
    old = recorded(store) if recorded and made_from else None
    return None if old is None or made_from is None else reasons(old, made_from(store))


def note_of(work: Work, store: Store) -> tuple[str, ...]:
    """What is to be known of work that is kept, such as that a model is frozen."""
    note = getattr(work, "note", None)
    return tuple(filter(None, [note(store) if note else ""]))
