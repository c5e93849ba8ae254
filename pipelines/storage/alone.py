"""A folder for one piece of work alone. Work that leaves nothing in it leaves no empty folder behind.

with alone(store, TRAINING): ...        raises Locked where another training holds the run
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from weft.pipelines.storage.lock import Lock, LockedWork
from weft.pipelines.storage.store import Store


@contextmanager
def alone(store: Store, work: LockedWork) -> Iterator[None]:
    """The folder of the store, which is made where it is absent. Raises Locked."""
    absent = _absent_folders(store)
    try:
        with Lock(store, work=work):
            yield
    finally:
        for folder in absent:
            with suppress(OSError):  # it holds something, or is not there
                folder.rmdir()


def _absent_folders(store: Store) -> tuple[Path, ...]:
    """The store's folder and those above it that are not there yet, innermost first. Object stores have no empty folders."""
    root = Path(store.root)
    return tuple(folder for folder in (root, *root.parents) if not folder.exists()) if store.local else ()
