"""What the scheduler can have done: a piece of work makes one file of the corpus from others."""

from typing import Protocol

from weft.pipelines.storage.store import Damaged, Store
from weft.schemas.resources import Resources


class Work(Protocol):
    """Anything that the scheduler can have done."""

    @property
    def node(self) -> str: ...
    @property
    def makes(self) -> str: ...
    @property
    def needs(self) -> tuple[str, ...]: ...
    @property
    def resources(self) -> Resources: ...
    def done(self, store: Store) -> bool: ...


def is_done(work: Work, store: Store) -> bool:
    """Whether a piece of work is done; false where its inputs are missing or damaged."""
    try:
        return work.done(store)
    except (FileNotFoundError, Damaged):
        return False
