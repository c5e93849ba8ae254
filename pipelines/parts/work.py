"""What the scheduler can have done: a piece of work makes one file of the corpus from others."""

from typing import Protocol

from weft.pipelines.storage.store import Store
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
