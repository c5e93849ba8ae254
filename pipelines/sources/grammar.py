"""Dialogues written by weft's own seeded grammar, with emotions: a script source with no file.

dialogues: {use: grammar, count: 40}
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from pydantic import Field

from weft.pipelines.parts.splits import Named, Splits
from weft.pipelines.sources import base, script
from weft.pipelines.storage.store import Store
from weft.pipelines.writers.grammar import dialogues
from weft.schemas.item import Item
from weft.schemas.text import Dialogue


class Source(base.Source):
    """`count` dialogues; the i-th depends on `seed` and i alone."""

    count: int = Field(default=20, ge=1)
    seed: int = 1

    @property
    def makes(self) -> type:
        return Dialogue

    def items(self, name: str) -> Iterator[Item]:
        for key, turns in dialogues(self.count, self.seed):
            rows = [{f: asdict(t)[f] for f in ("speaker", "text", "emotion", "level")} for t in turns]
            yield script.dialogue_item(name, json.dumps({"id": key, "turns": rows}), key)

    def named(self, item: Item, splits: Splits) -> Sequence[Named]:
        return script.Source(path="").named(item, splits)

    def read(self, item: Item, store: Store) -> Iterator[Dialogue]:
        return script.Source(path="", language=self.language, licence=self.licence).read(item, store)
