"""What an engine is, and the one that needs no cluster.

engine.submit(work)      hands it out
engine.finished()        Finished(work, made=98, seconds=3.1)  |  Failed(work, failure)  |  Lost(work)  when a worker died under it
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
    """Work that ended well: records made, and wall seconds it took."""

    work: Work
    made: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Failed:
    """Work that raised an exception."""

    work: Work
    failure: Failure


@dataclass(frozen=True, slots=True)
class Lost:
    """Work whose worker died; it can be handed out again."""

    work: Work
    detail: str


End = Finished | Failed | Lost


class Engine(Protocol):
    """Runs work somewhere."""

    def check(self, resources: Resources) -> None:
        """Raises RecipeError where no machine holds so much."""

    def accepts(self, resources: Resources) -> bool:
        """Whether work that wants this can begin, or should wait for it to be free."""

    def submit(self, work: Work) -> None: ...

    def starved(self) -> Sequence[Work]:
        """Work that was handed out and waits for CPUs that others hold."""

    def finished(self, wait: bool = True) -> End | None:
        """A piece of work that came to an end; None where more may be accepted now, or nothing has ended and `wait` is not set.

        Raises what is in `ENDING`, with the work's name as a note.
        """

    def close(self) -> None: ...


class LocalEngine:
    """One piece of work at a time, in this process."""

    def __init__(self, store: Store) -> None:
        self._runner = Runner(store)
        self._queue: deque[Work] = deque()

    def check(self, resources: Resources) -> None:
        """Torch itself says that there is no GPU."""

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
            return Finished(work, self._runner.run(work), time.perf_counter() - began)
        except ENDING as error:
            error.add_note(work.makes)
            raise
        except Exception as error:  # noqa: BLE001 - one failed piece does not stop what does not need it
            return Failed(work, failure_of(error))

    def close(self) -> None:
        """Nothing is held."""
