"""Whether what a corpus was built from is still there: where all of a source went, a build stops before it touches anything.

    check_sources(store, pipeline)      # raises SourceGone

Of a source that the corpus lists already, a few of the items listed now are looked for, and where none is there, a few of those that
the corpus holds; one that is there is enough, and so is that the corpus holds none. A folder within it that held many and is empty now
stops the build, too: it is where something was mounted.
"""

import heapq
import os
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice

from weft.pipelines.corpus.empty_folders import folders_emptied
from weft.pipelines.corpus.expected import listed_parts
from weft.pipelines.corpus.listing import EmptySource, listed
from weft.pipelines.graph import Pipeline
from weft.pipelines.parts.tables import part_name, read_table
from weft.pipelines.sources.base import Source
from weft.pipelines.storage.fetching import is_there
from weft.pipelines.storage.retries import without_secrets
from weft.pipelines.storage.store import Store
from weft.schemas.counting import counted
from weft.schemas.fingerprint import hash64
from weft.schemas.item import Item, bucket

_LISTED, _LOOKED_FOR = 200, 8  # items


class SourceGone(ValueError):
    """A source of a corpus of which nothing, or nothing of a folder, can be read; the message says which and where."""


def check_sources(store: Store, pipeline: Pipeline) -> None:
    for name, source in pipeline.sources.items():
        if not store.exists(part_name(f"list/{name}", 0)):
            continue
        _check_folders(store, name, source)
        try:
            items = [item for item in islice(listed(name, source), _LISTED) if item.uri]
        except EmptySource as fault:  # it was listed before, so no path is misspelt
            raise SourceGone(
                f"{fault}. The corpus holds items of it and was left as it is; bring them back, or name where they lie now"
            ) from None
        chosen = heapq.nsmallest(_LOOKED_FOR, items, key=lambda item: hash64(item.key))
        if any(_is_there(item.uri) for item in chosen):
            continue
        held = list(islice(_held(store, name, items), _LOOKED_FOR))  # a list may hold links that were always dead
        if held and not any(_is_there(item.uri) for item in held):
            folder = _folder(held[0].uri)
            question = f"does the server of {folder} answer" if "://" in folder else f"is {folder} mounted"
            raise SourceGone(
                f"source {name!r}: nothing of it can be read now ({held[0].path} and others); {question}? "
                "The corpus was left as it is"
            )


def _check_folders(store: Store, name: str, source: Source) -> None:
    for folder in folders_emptied(store, name, source):
        held = counted(folder.items, "item")
        raise SourceGone(
            f"source {name!r}: {folder.path} is empty, and the corpus lists {held} of it; is it mounted? "
            "If they are gone for good, remove the folder; the corpus was left as it is"
        )


def _held(store: Store, source: str, items: Iterable[Item]) -> Iterator[Item]:
    """The items of which the corpus holds records."""
    count = listed_parts(store, source)

    @cache
    def of_part(number: int) -> set[str]:
        part = part_name(f"ingest/{source}", number)
        return set(read_table(store, part, ["item"])["item"].to_pylist()) if store.exists(part) else set()

    return (item for item in items if item.key in of_part(bucket(item.key, count)))


def _is_there(uri: str) -> bool:
    if uri.startswith("/"):
        return os.path.exists(uri) or os.path.exists(uri.rpartition(":")[0])  # a place in an archive
    return is_there(uri)


def _folder(uri: str) -> str:
    return without_secrets(uri).rpartition("/")[0]
