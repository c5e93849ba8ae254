"""A source lists its items cheaply and reads any one of them later, on any worker.

items: Item("clip-3fa0…", path="a/clip.wav", uri="/data/a/clip.wav", stamp="91244:17319…")
read:  Recording | Document | Dialogue, or Unusable with the reason
"""

from collections.abc import Iterator
from typing import Any

from weft.pipelines.store import Store
from weft.schemas.item import Item
from weft.schemas.settings import Versioned


class Source(Versioned):
    """`language` and `licence` hold for all items that do not say their own."""

    language: str = "en"
    licence: str = ""

    @property
    def makes(self) -> type:
        """Recording, Document or Dialogue."""
        raise NotImplementedError

    def part_items(self, part_size: int) -> int:
        """How many items make a part of about `part_size` records; fewer where an item holds many."""
        return part_size

    def items(self, name: str) -> Iterator[Item]:
        """Everything there is, wanted or not: what cannot be used is rejected when it is read, with a reason."""
        raise NotImplementedError

    def read(self, item: Item, store: Store) -> Iterator[Any]:
        """The records (or, for a piece of an item, the rejects) of one item. Raises Unusable."""
        raise NotImplementedError
