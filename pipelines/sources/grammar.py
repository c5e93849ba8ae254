"""Dialogues written by weft's own seeded grammar, with emotions: a script source with no file.

dialogues: {use: grammar, count: 40}
"""

from collections.abc import Iterator
from typing import Any

from weft.pipelines.sources.common.scripted import CHAT, ScriptedSource
from weft.pipelines.writers.grammar import VERSION, dialogues
from weft.schemas.facts import Facts
from weft.schemas.text import Turn

_FIELDS = ("role", "speaker", "text", "emotion", "level", "speed", "pause", "overlap")


class Source(ScriptedSource):
    """`count` dialogues; the i-th depends on `seed` and i alone."""

    @property
    def field_names(self) -> frozenset[str]:
        return frozenset()

    @property
    def facts(self) -> Facts:
        return Facts(
            fields=self.field_names, has_text=True, roles=CHAT, has_answers=False,
            spoken={"": dict.fromkeys(CHAT, self.field_names)}, dialogue_fields=self.field_names, has_tools=False,
        )  # fmt: skip

    def version(self) -> str:
        return f"2, grammar {VERSION}"

    def lines(self) -> Iterator[dict[str, Any]]:
        origin = {"writer": "grammar", "version": VERSION, "seed": self.seed}
        for key, turns in dialogues(self.count, self.seed):
            yield {"id": key, "origin": origin, "turns": [_row(turn) for turn in turns]}


def _row(turn: Turn) -> dict[str, Any]:
    """The fields of a turn that say something."""
    return {name: value for name in _FIELDS if (value := getattr(turn, name))}
