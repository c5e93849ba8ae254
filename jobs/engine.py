"""What an engine is, and the one that needs no cluster.

engine.submit(work)      hands it out
engine.finished()        Finished(work, made=98, seconds=3.1)  |  Lost(work)  when a worker died under it
"""

import time
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from weft.pipelines.runner import Runner
from weft.pipelines.store import Store
from weft.pipelines.work import Work
from weft.schemas.resources import Resources


@dataclass(frozen=True, slots=True)
class Finished:
    """Work that ended well: records made, and wall seconds it took."""

    work: Work
    made: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Lost:
    """Work whose worker died; it can be handed out again."""

    work: Work
    detail: str


class Engine(Protocol):
    """Runs work somewhere. `finished` raises what the work itself raised, with the work's name as a note."""

    def accepts(self, resources: Resources) -> bool: ...
    def submit(self, work: Work) -> None: ...
    def finished(self) -> Finished | Lost: ...
    def close(self) -> None: ...


class LocalEngine:
    """One piece of work at a time, in this process."""

    def __init__(self, store: Store) -> None:
        self._runner = Runner(store)
        self._queue: deque[Work] = deque()

    def accepts(self, resources: Resources) -> bool:
        return not self._queue

    def submit(self, work: Work) -> None:
        self._queue.append(work)

    def finished(self) -> Finished | Lost:
        work = self._queue.popleft()
        began = time.perf_counter()
        try:
            return Finished(work, self._runner.run(work), time.perf_counter() - began)
        except Exception as error:
            error.add_note(work.makes)
            raise

    def close(self) -> None:
        """Nothing is held."""
