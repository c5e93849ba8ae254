"""Sentences in two languages, from weft's own seeded grammar: the human says one, the assistant the other.

parallel: {use: pairs, count: 200, languages: [en, de]}
Dialogue: system "Translate the speech into German.", human "The old man …", assistant "Der alte Mann …"

Each spoken turn has the other sentence as its field `translation`.
"""

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import field_validator

from weft.pipelines.sources.common.scripted import CHAT, ScriptedSource
from weft.pipelines.writers.pairs import VERSION, pairs
from weft.schemas.facts import Facts

_NAMES = {"en": "English", "de": "German"}


class Source(ScriptedSource):
    """`languages` are the human's and the assistant's. `instruction` is the system turn ("": none); {language} is the assistant's."""

    languages: tuple[Literal["en", "de"], Literal["en", "de"]] = ("en", "de")
    instruction: str = "Translate the speech into {language}."

    @field_validator("languages")
    @classmethod
    def _two(cls, languages: tuple[str, str]) -> tuple[str, str]:
        if len(set(languages)) < 2:
            raise ValueError("name two languages: [en, de] or [de, en]")
        return languages

    @property
    def field_names(self) -> frozenset[str]:
        return frozenset({"translation"})

    @property
    def facts(self) -> Facts:
        return Facts(
            fields=self.field_names, has_text=True, most_utterances=2, roles=CHAT | ({"system"} if self.instruction else set()),
            spoken={"": dict.fromkeys(CHAT, self.field_names)}, last="assistant", has_answers=False, dialogue_fields=frozenset(),
            has_tools=False,
        )  # fmt: skip

    def version(self) -> str:
        return f"1, pairs {VERSION}"

    def lines(self) -> Iterator[dict[str, Any]]:
        origin = {"writer": "pairs", "version": VERSION, "seed": self.seed}
        asked, answered = self.languages
        system = self.instruction.replace("{language}", _NAMES[answered])
        before = [{"role": "system", "text": system}] if system else []
        for key, pair in pairs(self.count, self.seed):
            cast = self.cast(key)
            turns = [
                _turn(cast["human"], asked, pair.text(asked), pair.text(answered)),
                _turn(cast["assistant"], answered, pair.text(answered), pair.text(asked)),
            ]
            yield {"id": key, "origin": origin, "language": asked, "turns": [*before, *turns]}


def _turn(who: dict[str, str], language: str, text: str, translation: str) -> dict[str, Any]:
    return {**who, "language": language, "text": text, "fields": {"translation": translation}}
