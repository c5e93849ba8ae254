"""Submits work to an engine as soon as its inputs exist: all stages run at once.

    run(works, store, engine, report)     report(WorkEvent("align/speech", "done", records=98, seconds=3.1))

Of the work that is ready, the latest in the pipeline begins first, so that finished samples do not wait for earlier stages. Work of
other resources does not wait behind it. Finished work is recognised by its fingerprint and not submitted. A failure stops only the
work that needs it.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from weft.jobs.engine import End, Engine, Failed, Finished, Lost
from weft.jobs.failures import FailedWork, Failure, build_error
from weft.jobs.work_queue import WorkQueue
from weft.pipelines.parts.work import Work
from weft.pipelines.storage.store import Store
from weft.schemas.faults import RecipeError
from weft.schemas.resources import Resources

TRIES = 4  # workers that may die on one piece of work


@dataclass(frozen=True, slots=True)
class WorkEvent:
    """The end of a piece of work: "done" by a worker now, or "kept" from an earlier build.

    `again`: an older result existed, and `why` are the reasons that it was out of date. Of kept work `why` is a note, if any.
    """

    node: str
    what: str
    records: int = 0
    seconds: float = 0.0
    again: bool = False
    why: tuple[str, ...] = ()


def run(works: Sequence[Work], store: Store, engine: Engine, report: Callable[[WorkEvent], None]) -> None:
    """Returns when all work is done. Raises BuildError, which lists all failures, once no other work is left."""
    check_resources(works, store, engine)
    schedule = _Schedule(works, store, engine, report=report)
    while schedule.queue.left:
        schedule.submit_ready()
        if schedule.queue.left:
            schedule.wait()
    if schedule.failed:
        raise build_error(schedule.failed, schedule.dropped)


def check_resources(works: Sequence[Work], store: Store, engine: Engine) -> None:
    """Raises RecipeError, before any work begins, where no machine has the resources for work without a result."""
    for kind in {work.resources for work in works}:
        try:
            engine.check(kind)
        except RecipeError:  # a corpus that was built with GPUs can be kept without them
            if any(work.resources == kind and not store.exists(work.makes) for work in works):
                raise


class _Schedule:
    """The state of one `run`."""

    def __init__(
        self, works: Sequence[Work], store: Store, engine: Engine, report: Callable[[WorkEvent], None]
    ) -> None:
        self.queue = WorkQueue(works)
        self.failed: list[FailedWork] = []
        self.dropped = 0
        self._store, self._engine, self._report = store, engine, report
        self._tries: Counter[str] = Counter()
        self._whys: dict[str, list[str] | None] = {}
        self._running = 0
        self._lost: list[
            Work
        ] = []  # lost more than once, perhaps for lack of memory: it waits until other work has ended

    def submit_ready(self) -> None:
        """Submits the work that the engine accepts. Work is checked for being done before work of lower rank is submitted."""
        full: set[Resources] = set()
        while True:
            work, fresh = self.queue.first(full), self.queue.fresh()
            if fresh and (work is None or self.queue.rank(fresh) > self.queue.rank(work)):
                self._check(fresh)
                if work is None and self._running and self.queue.fresh():
                    return  # the engine is busy: see first whether work has ended
            elif work is None:
                return
            elif self._may_begin(work):
                if self._store.manifests:
                    self._store.manifests.forget(work.makes)
                self._engine.submit(self.queue.take(work))
                self._running += 1
            else:
                full.add(work.resources)

    def wait(self) -> None:
        """Waits until a piece of work has ended; does not wait while there is work to check."""
        if not self._running and self._lost:
            self._release()
            return
        assert self._running or self.queue.fresh(), "work waits for a file that no work makes"
        end = self._engine.finished(wait=not self.queue.fresh()) if self._running else None
        if end:
            self._running -= 1
            self._ended(end)

    def _check(self, work: Work) -> None:
        """Finishes work that is done already, and queues other work; called once for each piece."""
        if work.done(self._store):
            self.queue.finish(work)
            note = work.note(self._store)
            self._report(WorkEvent(work.node, "kept", why=(note,) if note else ()))
        else:
            self._whys[work.makes] = work.why(self._store)
            self.queue.put(work)

    def _may_begin(self, work: Work) -> bool:
        """Whether the engine accepts it, and no work of later stages waits for a CPU."""
        overtakes = any(self.queue.rank(starved) > self.queue.rank(work) for starved in self._engine.starved())
        return not overtakes and self._engine.accepts(work.resources)

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
            event = WorkEvent(
                node=end.work.node,
                what="done",
                records=end.records,
                seconds=end.seconds,
                again=why is not None,
                why=tuple(why or ()),
            )
            self._report(event)

    def _retry(self, end: Lost) -> None:
        self._tries[end.work.makes] += 1
        tries = self._tries[end.work.makes]
        if tries >= TRIES:
            self._fail(end.work, Failure(reason=f"{TRIES} workers died on it ({end.detail})"))
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
        self.failed.append(FailedWork(node=work.node, part=part, failure=failure))
        self.dropped += self.queue.drop(work)
