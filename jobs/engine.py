"""What an engine is, and the one that needs no cluster.

engine.submit(work)      begins it, or queues it
engine.finished()        Finished(work, records=98, seconds=3.1)  |  Failed(work, failure)  |  Lost(work)  when its worker died
"""

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from weft.jobs.failures import ENDING, Failure, failure_of
from weft.pipelines.parts.runner import Runner
from weft.pipelines.parts.work import Work
from weft.pipelines.storage.store import Store
from weft.schemas.resources import Resources


@dataclass(frozen=True, slots=True)
class Finished:
    """Work that succeeded: the number of its records, and its wall time in seconds."""

    work: Work
    records: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Failed:
    """Work that raised an exception."""

    work: Work
    failure: Failure


@dataclass(frozen=True, slots=True)
class Lost:
    """Work whose worker died; it can be submitted again."""

    work: Work
    detail: str


End = Finished | Failed | Lost


class Engine(Protocol):
    """Runs work, in this process or elsewhere."""

    def check(self, resources: Resources) -> None:
        """Raises RecipeError where no machine has these resources."""

    def accepts(self, resources: Resources) -> bool:
        """Whether work that needs these resources may be submitted now."""

    def submit(self, work: Work) -> None: ...

    def starved(self) -> Sequence[Work]:
        """Submitted work that waits for CPUs which other work holds."""

    def finished(self, wait: bool = True) -> End | None:
        """The end of a piece of work. None where more work may be accepted now, and where nothing has ended and `wait` is false.

        Raises the exceptions in `ENDING`, with the name of the work as a note.
        """

    def close(self) -> None: ...


class LocalEngine:
    """One piece of work at a time, in this process."""

    def __init__(self, store: Store) -> None:
        self._runner = Runner(store)
        self._queue: deque[Work] = deque()

    def check(self, resources: Resources) -> None:
        """Does nothing: torch reports a missing GPU itself."""

    def accepts(self, resources: Resources) -> bool:
        return not self._queue

    def submit(self, work: Work) -> None:
        self._queue.append(work)

    def starved(self) -> Sequence[Work]:
        return ()

    def finished(self, wait: bool = True) -> End | None:
        if not wait:
            return None
        work = self._queue.popleft()
        began = time.perf_counter()
        try:
            records = self._runner.run(work)
            return Finished(work=work, records=records, seconds=time.perf_counter() - began)
        except ENDING as error:
            error.add_note(work.makes)
            raise
        except Exception as error:  # noqa: BLE001 - one failed piece does not stop what does not need it
            return Failed(work, failure_of(error))

    def close(self) -> None:
        """Does nothing: no resources are held."""
