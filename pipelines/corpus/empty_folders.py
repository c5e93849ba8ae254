"""Folders of a source that are there and empty, and of which the corpus lists items: mounts that are away, most likely.

    folders_emptied(store, "speech", source)      [EmptiedFolder(path="/data/speech/en", items=1200)]

A mount's folder stays when it is unmounted, so its items would go from the listing without a word, and all that was made of them.
"""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from weft.pipelines.parts.tables import read_table
from weft.pipelines.sources.base import Source, place_in
from weft.pipelines.storage.store import Store

_DEPTH = 2  # levels below the source's folder that are looked at
_MANY = 8  # items of a folder that are worth a question
_SHARE = 0.1  # of the source's items, too


@dataclass(frozen=True, slots=True)
class EmptiedFolder:
    """`items` is how many of it the corpus lists."""

    path: str
    items: int


def folders_emptied(store: Store, name: str, source: Source) -> list[EmptiedFolder]:
    """The larger ones; what was in a small folder, somebody may have deleted."""
    location = source.location()
    empty = [place_in(name, location, path) for path in _empty(location, _DEPTH)] if location.startswith("/") else []
    if not empty:
        return []  # the listing need not be read
    items, total = Counter[str](), 0
    for part in store.names(f"list/{name}", ".parquet"):
        for uri in read_table(store, part, ["uri"])["uri"].to_pylist():
            total += 1
            items.update(folder for folder in _above(uri) if folder in empty)
    return [
        EmptiedFolder(path=store.located(folder), items=count)
        for folder, count in sorted(items.items())
        if count >= _MANY or count >= _SHARE * total
    ]


def _empty(folder: str, depth: int) -> Iterator[str]:
    """Folders without anything in them, down to so many levels."""
    for inner in _folders(folder):
        entries = _entries(inner)
        if entries == []:
            yield inner
        elif depth > 1:
            yield from _empty(inner, depth - 1)


def _folders(folder: str) -> list[str]:
    return sorted(entry.path for entry in _entries(folder) or [] if entry.is_dir())


def _entries(folder: str) -> list[os.DirEntry[str]] | None:
    """None where it cannot be looked into, which the listing reports."""
    try:
        return list(os.scandir(folder))
    except OSError:
        return None


def _above(uri: str) -> Iterator[str]:
    while "/" in (uri := uri.rpartition("/")[0]):
        yield uri
