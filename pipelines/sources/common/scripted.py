"""The base of sources whose dialogues weft writes itself: a script source without a file.

class Source(ScriptedSource):
    @property
    def lists_facts(self) -> bool:
        return False  # `facts` says it of all

    def lines(self): yield {"id": "pair-1-000000", "turns": […]}           as `script` reads them (docs/dialogues.md)
"""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

from pydantic import Field

from weft.pipelines.sources.common.dialogues import DialogueSource
from weft.pipelines.sources.common.written import written_item
from weft.pipelines.writers.common.lexicon import NAMES
from weft.schemas.fingerprint import hash64
from weft.schemas.item import Item

CHAT = frozenset({"human", "assistant"})


class ScriptedSource(DialogueSource):
    """`count` dialogues; the i-th depends on `seed` and i alone."""

    count: int = Field(default=20, ge=1)
    seed: int = 1

    def lines(self) -> Iterator[dict[str, Any]]:
        """Each dialogue as the JSON of a script, with its `id`."""
        raise NotImplementedError

    def cast(self, key: str) -> dict[str, dict[str, str]]:
        """Role and speaker of the human and of the assistant of a dialogue; the names are drawn by its key."""
        names = Random(hash64("cast", key)).sample(NAMES, 2)
        return {role: {"role": role, "speaker": name} for role, name in zip(("human", "assistant"), names, strict=True)}

    def items(self, name: str) -> Iterator[Item]:
        for line in self.lines():
            yield written_item(name, line["id"], json.dumps(line))
