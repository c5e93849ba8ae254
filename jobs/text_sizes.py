"""What text files hold, from the documents of some of them.

text_size(source, chosen, SourceSize(items=120, bytes=3.1e7), splits, needs)   ->   SourceSize(items=120, read=100, records=48_200, …)
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from weft.jobs.document_sizes import documents_size
from weft.jobs.source_sizes import SourceSize
from weft.jobs.task_needs import TaskNeeds
from weft.jobs.text_samples import TextSamples
from weft.pipelines.parts.hold_out_work import Space
from weft.pipelines.parts.splits import HoldOutNames, Splits, Tally
from weft.pipelines.sources.base import Source
from weft.pipelines.storage.store import Store
from weft.schemas.item import Item
from weft.schemas.ledger import Unavailable, Unusable
from weft.schemas.text import Document

ByTheirSplit = Mapping[str, Sequence[Document]]


def text_size(
    source: Source, chosen: Sequence[Item], listing: SourceSize, splits: Splits, needs: TaskNeeds | None
) -> SourceSize:
    """Documents and their bytes, scaled by listed bytes: so JSON syntax and gzip count as in the items that were read.

    Raises SplitError where all items were read, and the share of documents that is held out selects none of them, or all.
    """
    store, sampled, samples, names = Store("."), SourceSize(), TextSamples(), _Names(splits)
    length = sum(item.length for item in chosen)
    for item in chosen:
        documents = _documents(source, item, store)
        placed = _by_split(documents or (), splits)
        sampled += _of_documents(placed, needs)
        names.add(placed, is_whole=documents is not None)
        samples.add(documents or (), share=item.length / length if length else 1 / len(chosen))
    if len(chosen) == listing.items:
        names.check()
    by = listing.bytes / length if length else listing.items / len(chosen)
    return replace(sampled.scaled(by), items=listing.items, texts=samples.texts, samples=samples.fields)


class _Names:
    """The names of documents, of which `hold_out` selects some: their texts."""

    def __init__(self, splits: Splits) -> None:
        self._splits, self._tally = splits, Tally(splits.hold_out) if splits.hold_out else None

    def add(self, placed: ByTheirSplit, is_whole: bool) -> None:
        """Those of an item; without all of an item nobody knows whom the share selects."""
        self._tally = self._tally if is_whole else None
        if self._tally:
            for name, split in ((one.text, split) for split, documents in placed.items() for one in documents):
                self._tally.add_placed(name, split, self._splits)

    def check(self) -> None:
        """Raises SplitError."""
        if self._tally:
            self._tally.check(Space({self._splits.space: self._splits}).where)


def _documents(source: Source, item: Item, store: Store) -> list[Document] | None:
    """What `build` rejects holds nothing. None where it cannot be read now."""
    try:
        return [document for document in source.read(item, store) if isinstance(document, Document)]
    except Unusable:
        return []
    except Unavailable:
        return None


def _by_split(documents: Iterable[Document], splits: Splits) -> ByTheirSplit:
    by_split: dict[str, list[Document]] = defaultdict(list)
    for document in documents:
        with suppress(Unusable):  # the name of an unknown split
            by_split[splits.of(HoldOutNames(items=(document.text,), split=document.split))].append(document)
    return by_split


def _of_documents(placed: ByTheirSplit, needs: TaskNeeds | None) -> SourceSize:
    sizes = {split: documents_size(some) for split, some in placed.items()}
    if needs:
        sizes = {split: needs.of_documents(placed[split], size) for split, size in sizes.items()}
    return replace(sum(sizes.values(), SourceSize()), items=1, read=1, by_split=sizes)
