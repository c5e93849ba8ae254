"""Dialogues with tool calls and their results, from weft's own seeded writer.

calls: {use: tools, count: 200}
Dialogue: tools […], system, human "What is the weather in Oslo today?", assistant calls weather, tool returns, assistant answers
"""

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from weft.pipelines.sources.common.scripted import CHAT, ScriptedSource
from weft.pipelines.writers.tools import SCHEMAS, VERSION, Talk, tool_talks
from weft.schemas.facts import Facts


class Source(ScriptedSource):
    """`count` talks; the i-th depends on `seed` and i alone. `instruction` is the system turn, after which the tools stand."""

    instruction: str = Field(default="You can use tools.", min_length=1)

    @property
    def field_names(self) -> frozenset[str]:
        return frozenset()

    @property
    def facts(self) -> Facts:
        return Facts(
            fields=self.field_names, has_text=True, most_utterances=2, roles=CHAT | {"system", "tool"}, has_tools=True,
            last="assistant", has_answers=False, dialogue_fields=self.field_names,
            spoken={"": dict.fromkeys(CHAT, self.field_names)},
        )  # fmt: skip

    def version(self) -> str:
        return f"1, tools {VERSION}"

    def lines(self) -> Iterator[dict[str, Any]]:
        origin = {"writer": "tools", "version": VERSION, "seed": self.seed}
        for key, talk in tool_talks(self.count, self.seed):
            turns = [{"role": "system", "text": self.instruction}, *_turns(talk, self.cast(key))]
            yield {"id": key, "origin": origin, "tools": list(SCHEMAS), "turns": turns}


def _turns(talk: Talk, cast: dict[str, dict[str, str]]) -> Iterator[dict[str, Any]]:
    yield {**cast["human"], "text": talk.asked}
    if talk.call:
        yield {**cast["assistant"], "tool_call": {"name": talk.call.name, "arguments": talk.call.arguments}}
        yield {"role": "tool", "tool_result": {"name": talk.call.name, "content": talk.call.content}}
    yield {**cast["assistant"], "text": talk.answer, "speed": talk.speed}
