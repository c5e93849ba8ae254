"""Dialogues written by weft's own seeded grammar, with emotions: a script source with no file.

dialogues: {use: grammar, count: 40}
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import Field

from weft.pipelines.parts.splits import Named, Splits
from weft.pipelines.sources import base, script
from weft.pipelines.storage.store import Store
from weft.pipelines.writers.grammar import VERSION, dialogues
from weft.schemas.item import Item
from weft.schemas.text import Dialogue, Turn

_FIELDS = ("role", "speaker", "text", "emotion", "level", "speed", "pause", "overlap")


class Source(base.Source):
    """`count` dialogues; the i-th depends on `seed` and i alone."""

    count: int = Field(default=20, ge=1)
    seed: int = 1

    @property
    def field_names(self) -> frozenset[str]:
        return frozenset()

    @property
    def makes(self) -> type:
        return Dialogue

    def version(self) -> str:
        return f"2, grammar {VERSION}"

    def items(self, name: str) -> Iterator[Item]:
        origin = {"writer": "grammar", "version": VERSION, "seed": self.seed}
        for key, turns in dialogues(self.count, self.seed):
            line = {"id": key, "origin": origin, "turns": [_row(turn) for turn in turns]}
            yield script.dialogue_item(name, json.dumps(line), key)

    def named(self, item: Item, splits: Splits) -> Sequence[Named]:
        return script.Source(path="").named(item, splits)

    def read(self, item: Item, store: Store) -> Iterator[Dialogue]:
        return script.Source(path="", language=self.language, licence=self.licence).read(item, store)


def _row(turn: Turn) -> dict[str, Any]:
    """The fields of a turn that say something."""
    return {name: value for name in _FIELDS if (value := getattr(turn, name))}
