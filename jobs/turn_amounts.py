"""What a dialogue, or a line of JSON, holds that turns say: turns and bytes by role, and bytes by the name of a field.

turn_amounts(dialogue)   ->   DialogueAmounts(spoken={"human": TurnAmount(turns=1, bytes=31, seconds=1.7)}, written={"system": …})
named_texts(item)        ->   {"question": ("How old is the speaker?",), "answer": ("A child.",)}
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from weft.schemas.item import Item
from weft.schemas.text import Dialogue, Turn

BYTES_A_SECOND = (
    18.0  # of text that a voice speaks: espeak's 18 to 20 letters of English; Chinese has five of three bytes
)
TOOLS = "tool_json_schemas"  # the role that the tools of a dialogue are written under
CALLS = "tool_call"  # what a call holds, which is no turn of its own


@dataclass(frozen=True, slots=True)
class TurnAmount:
    """So many turns, the bytes of their text, and the seconds of those that are spoken."""

    turns: float = 0
    bytes: float = 0
    seconds: float = 0.0

    def __add__(self, other: "TurnAmount") -> "TurnAmount":
        return TurnAmount(
            turns=self.turns + other.turns, bytes=self.bytes + other.bytes, seconds=self.seconds + other.seconds
        )

    def scaled(self, by: float) -> "TurnAmount":
        return TurnAmount(turns=self.turns * by, bytes=self.bytes * by, seconds=self.seconds * by)


ByRole = Mapping[str, TurnAmount]


@dataclass(frozen=True, slots=True)
class DialogueAmounts:
    """Amounts of turns by their role: of turns that a voice speaks, and of those that are text alone."""

    spoken: ByRole = field(default_factory=dict)
    written: ByRole = field(default_factory=dict)

    def __add__(self, other: "DialogueAmounts") -> "DialogueAmounts":
        return DialogueAmounts(spoken=_sum(self.spoken, other.spoken), written=_sum(self.written, other.written))

    def scaled(self, by: float) -> "DialogueAmounts":
        return DialogueAmounts(
            spoken={role: one.scaled(by) for role, one in self.spoken.items()},
            written={role: one.scaled(by) for role, one in self.written.items()},
        )

    @property
    def all_spoken(self) -> TurnAmount:
        return sum(self.spoken.values(), TurnAmount())


def _sum(some: ByRole, others: ByRole) -> ByRole:
    return {role: some.get(role, TurnAmount()) + others.get(role, TurnAmount()) for role in (*some, *others)}


def turn_amounts(dialogue: Dialogue) -> DialogueAmounts:
    turns = DialogueAmounts()
    for turn in dialogue.turns:
        turns += amounts_of_turn(turn)
    if dialogue.tools:
        turns += DialogueAmounts(written={TOOLS: TurnAmount(turns=1, bytes=len(dialogue.tools.encode()))})
    return turns


def amounts_of_turn(turn: Turn) -> DialogueAmounts:
    length = len(turn.text.encode())
    calls = {CALLS: TurnAmount(bytes=len(turn.tool_call.encode()))} if turn.tool_call else {}
    if turn.is_spoken:
        spoken = TurnAmount(turns=1, bytes=length, seconds=length / BYTES_A_SECOND)
        return DialogueAmounts(spoken={turn.role: spoken}, written=calls)
    result = len(turn.tool_result.encode())
    return DialogueAmounts(written={turn.role: TurnAmount(turns=1, bytes=length + result), **calls})


def named_texts(item: Item) -> dict[str, tuple[str, ...]]:
    """The texts that the JSON of an item names, by their name."""
    texts: dict[str, list[str]] = {}
    for name, value in _texts(item.payload):
        texts.setdefault(name, []).append(value)
    return {name: tuple(values) for name, values in texts.items()}


def bytes_of(texts: Mapping[str, Iterable[str]]) -> dict[str, float]:
    """By their name."""
    return {name: sum(len(text.encode("utf-8", "replace")) for text in some) for name, some in texts.items()}


def _texts(payload: str) -> Iterator[tuple[str, str]]:
    try:
        yield from _within(json.loads(payload) if payload[:1] in ("{", "[") else None)
    except (ValueError, RecursionError):  # the build says what is wrong with it
        return


def _within(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for one in value:
            yield from _within(one)
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from [(name, one)] if isinstance(one, str) else _within(one)
