"""Items of a source become records, or rejects with a reason: nothing that was listed is lost.

Item(path="a/clip.wav")  ->  Recording(seconds=62.4, …)   or   Reject(reason="truncated", …)
"""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from pydantic import PrivateAttr, SerializeAsAny

from weft.pipelines.sources.base import Source
from weft.pipelines.stage import Stage
from weft.pipelines.store import Store
from weft.schemas.item import Item, item_of
from weft.schemas.ledger import Reject, Unusable


class Ingest(Stage):
    """Reads each item through its source; the second item of one key is a duplicate."""

    source: SerializeAsAny[Source]
    makes_seconds: ClassVar[bool] = True
    _store: Store = PrivateAttr()

    @property
    def makes(self) -> type:
        return self.source.makes

    def version(self) -> str:
        return "2"

    def setup(self, store: Store) -> None:
        self._store = store

    def parent(self, record: Any) -> str:
        return item_of(record.key)

    def __call__(self, items: Iterable[Item]) -> Iterator[Any]:
        seen: set[str] = set()
        for item in items:
            try:
                if item.key in seen:
                    raise Unusable("duplicate", "the source lists it more than once")
                seen.add(item.key)
                yield from self.source.read(item, self._store)
            except Unusable as fault:
                yield Reject(item.key, "ingest", item.source, item.path, fault.reason, fault.detail, 0.0)
