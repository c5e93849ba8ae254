"""Lists every source and cuts the listing into parts, by the items' keys: the first thing a build does, on the driver.

    list/speech/part-00000.parquet     Item, Item, …
    list/speech/location.json          {"location": "/data/speech"}, below which the items' files lie

An item added or lost touches one part (and where it makes one part more or fewer, the part that is split or joined).
"""

import errno
from collections import Counter
from collections.abc import Iterator

from weft.pipelines.parts.node_manifest import manifest_footer
from weft.pipelines.parts.tables import part_name, table_digest, write_part
from weft.pipelines.sources.base import Source
from weft.pipelines.storage.own_names import is_made_by_weft
from weft.pipelines.storage.store import Store
from weft.schemas.counting import counted
from weft.schemas.item import Item, bucket, bucket_count
from weft.schemas.ledger import Unavailable, Unusable
from weft.schemas.table import to_table

# errors of what the recipe names, and those that have no number, as libraries say them in words
_OF_THE_PATH = (
    None,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EACCES,
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.EINVAL,
)


class EmptySource(ValueError):
    """A source in which nothing was found; the message says which and where."""


def list_source(store: Store, name: str, source: Source, part_size: int) -> int:
    """Writes the source's listing where it changed and returns its number of parts. Raises EmptySource."""
    items = sorted((source.relative(item) for item in listed(name, source)), key=lambda item: item.key)
    store.locate(name, source.location())
    # an item is never cut, so one that is larger than a part counts as one
    count = bucket_count(sum(min(part_size, source.size_of(item)) for item in items), part_size)
    parts: list[list[Item]] = [[] for _ in range(count)]
    for item in items:
        parts[bucket(item.key, count)].append(item)
    for number, part in enumerate(parts):
        _write(store, part_name(f"list/{name}", number), part, count)
    for old in set(store.names(f"list/{name}", ".parquet")) - {
        part_name(f"list/{name}", number) for number in range(count)
    }:
        if is_made_by_weft(old):
            store.remove(old)
    return count


def listed(name: str, source: Source) -> Iterator[Item]:
    """The source's items, at least one. Raises EmptySource, and Unavailable where a mount or a server does not answer."""
    none = True
    try:
        for item in source.items(name):
            none = False
            yield item
    except Unusable as fault:  # the list itself is a pipe
        path = getattr(source, "path", name)
        raise EmptySource(f"source {name!r}: {path}: {fault.detail}; set sources.{name}.path") from None
    except OSError as error:
        why = error.strerror or "cannot be listed"
        if error.errno not in _OF_THE_PATH:
            raise Unavailable(str(error.filename or getattr(source, "path", name)), why) from None
        raise EmptySource(f"source {name!r}: {error.filename or error}: {why}; set sources.{name}.path") from None
    if none:
        raise EmptySource(f"source {name!r}: nothing of its kind was found at {_place_and_others(source)}")


def _place_and_others(source: Source) -> str:
    """Where an empty source lies, and what there is instead."""
    path, others = getattr(source, "path", "(no path)"), Counter(source.passed_over())
    each = ", ".join(f"{n:,} {ending or 'without an ending'}" for ending, n in others.most_common(5))
    return f"{path}, which holds {counted(others.total(), 'other file')} ({each})" if others else str(path)


def _write(store: Store, name: str, items: list[Item], count: int) -> None:
    """Each part says how many there are, so that a missing one is noticed."""
    digest = table_digest(to_table(items, Item))
    footer = manifest_footer(store, name)
    if footer is None or (footer.digest, footer.notes.get("parts")) != (digest, str(count)):
        if store.manifests:
            store.manifests.forget(name)
        write_part(store, name, items, record=Item, fingerprint="listing-1", notes={"parts": str(count)})
