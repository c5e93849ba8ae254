"""The base of sources whose dialogues weft writes itself: a script source without a file.

class Source(ScriptedSource):
    def lines(self): yield {"id": "pair-1-000000", "turns": […]}           as `script` reads them (docs/dialogues.md)
"""

import json
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from pydantic import Field

from weft.pipelines.parts.splits import Named, Splits
from weft.pipelines.sources import base, script
from weft.pipelines.storage.store import Store
from weft.pipelines.writers.common.lexicon import NAMES
from weft.schemas.fingerprint import hash64
from weft.schemas.item import Item
from weft.schemas.text import Dialogue


class ScriptedSource(base.Source):
    """`count` dialogues; the i-th depends on `seed` and i alone."""

    count: int = Field(default=20, ge=1)
    seed: int = 1

    @property
    def makes(self) -> type:
        return Dialogue

    def lines(self) -> Iterator[dict[str, Any]]:
        """Each dialogue as the JSON of a script, with its `id`."""
        raise NotImplementedError

    def cast(self, key: str) -> dict[str, dict[str, str]]:
        """Role and speaker of the human and of the assistant of a dialogue; the names are drawn by its key."""
        names = Random(hash64("cast", key)).sample(NAMES, 2)
        return {role: {"role": role, "speaker": name} for role, name in zip(("human", "assistant"), names, strict=True)}

    def items(self, name: str) -> Iterator[Item]:
        for line in self.lines():
            yield script.dialogue_item(name, json.dumps(line), line["id"])

    def named(self, item: Item, splits: Splits) -> Sequence[Named]:
        return script.Source(path="").named(item, splits)

    def read(self, item: Item, store: Store) -> Iterator[Dialogue]:
        return script.Source(path="", language=self.language, licence=self.licence).read(item, store)
