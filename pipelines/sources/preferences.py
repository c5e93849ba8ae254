"""Dialogues of a prompt and two answers to it, one chosen and one rejected, from weft's own seeded writer.

choices: {use: preferences, count: 200}
Dialogue: human "What do bees make?", assistant (chosen) "Bees make honey.", assistant (rejected) "Fish live in the water."

The answers are its fields `chosen` and `rejected` too.
"""

from collections.abc import Iterator
from typing import Any

from weft.pipelines.sources.common.scripted import CHAT, ScriptedSource
from weft.pipelines.writers.preferences import VERSION, preferences
from weft.schemas.facts import Facts
from weft.schemas.text import ANSWERS


class Source(ScriptedSource):
    """`count` preferences; the i-th depends on `seed` and i alone."""

    @property
    def field_names(self) -> frozenset[str]:
        return frozenset({"chosen", "rejected"})

    @property
    def facts(self) -> Facts:
        return Facts(
            fields=self.field_names, has_text=True, most_utterances=3, roles=CHAT,
            spoken={"": {"human": self.field_names}, **{mark: {"assistant": self.field_names} for mark in ANSWERS}},
            last="human", has_answers=True, dialogue_fields=self.field_names, has_tools=False,
        )  # fmt: skip

    def version(self) -> str:
        return f"1, preferences {VERSION}"

    def lines(self) -> Iterator[dict[str, Any]]:
        origin = {"writer": "preferences", "version": VERSION, "seed": self.seed}
        for key, one in preferences(self.count, self.seed):
            cast = self.cast(key)
            human = {**cast["human"], "text": one.prompt, "emotion": one.emotion, "level": 3}
            answers = [
                {**cast["assistant"], "text": text, "answer": answer}
                for answer, text in (("chosen", one.chosen), ("rejected", one.rejected))
            ]
            yield {
                "id": key,
                "origin": origin,
                "turns": [human, *answers],
                "chosen": one.chosen,
                "rejected": one.rejected,
            }
