"""What a corpus should hold, from its recipe and its listing: every part of every node.

Expected.of(store, pipeline).parts  ->  (PartWork("ingest/speech", …, part=0), …)
listed_parts(store, "speech")  ->  4
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from weft.pipelines.graph import Pipeline
from weft.pipelines.parts.committed import model_manifest
from weft.pipelines.parts.node_manifest import manifest_footer
from weft.pipelines.parts.stage_work import PartWork
from weft.pipelines.parts.tables import part_name
from weft.pipelines.parts.work import Work
from weft.pipelines.storage.store import Store

_NUMBER = re.compile(r"part-(\d+)\.parquet$")


@dataclass(frozen=True)
class Expected:
    """`listing` has every part that the listing should have: its name, its number and how many there are. `works` is all work up to
    the last pass of each task of which anything is left.
    """

    listing: tuple[tuple[str, int, int], ...]
    works: tuple[Work, ...]

    @classmethod
    def of(cls, store: Store, pipeline: Pipeline) -> "Expected":
        return cls(listing=tuple(_listing(store, pipeline)), works=tuple(_works(store, pipeline)))

    @cached_property
    def parts(self) -> tuple[PartWork, ...]:
        return tuple(work for work in self.works if isinstance(work, PartWork))

    @cached_property
    def locations(self) -> tuple[str, ...]:
        """The files that say where the sources lie."""
        return tuple(dict.fromkeys(name.rpartition("/")[0] + "/location.json" for name, _, _ in self.listing))

    @cached_property
    def models(self) -> tuple[str, ...]:
        """Their folders."""
        return tuple(work.node for work in self.works if work.makes == model_manifest(work.node))


def listed_parts(store: Store, source: str) -> int:
    """How many parts a source's listing has: each says so, and the nodes behind it hold as many."""
    names = store.names(f"list/{source}", ".parquet")
    counts = [footer.notes.get("parts", "") for name in names if (footer := manifest_footer(store, name))]
    numbers = [int(match[1]) + 1 for name in names if (match := _NUMBER.search(name))]
    recorded_counts = [int(count) for count in counts if count.isdigit()]
    if recorded_counts:
        return max(recorded_counts)
    behind = store.names(f"ingest/{source}", ".parquet")
    return max([*numbers, *(int(match[1]) + 1 for name in behind if (match := _NUMBER.search(name)))], default=1)


def _listing(store: Store, pipeline: Pipeline) -> Iterator[tuple[str, int, int]]:
    for source in pipeline.sources:
        count = listed_parts(store, source)
        yield from ((part_name(f"list/{source}", part), part, count) for part in range(count))


def _works(store: Store, pipeline: Pipeline) -> list[Work]:
    parts = {source: listed_parts(store, source) for source in pipeline.sources}
    works = pipeline.works(parts)
    for task, made in pipeline.tasks.items():
        for source in made.sources:
            for number in range(1, _passes(store, task, source)):
                works += pipeline.compose(task, number, parts, (source,))
    return works


def _passes(store: Store, task: str, source: str) -> int:
    """How many passes over a source there are, as far as any file of them or of their order is left."""
    within = re.compile(rf"/{re.escape(task)}/pass-(\d+)/{re.escape(source)}(/|-held|\.parquet)")
    folders = ("compose", "ledger/compose", "rejects/compose", "order")
    names = [name for folder in folders for name in store.names(f"{folder}/{task}", ".parquet")]
    return max((int(match[1]) + 1 for name in names if (match := within.search(name))), default=1)
