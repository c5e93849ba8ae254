"""Written text and spoken scripts.

Document("book-1f-00012", source="books", text="It was the best of times …")
Dialogue("taxi-77", source="dialogues", turns=(Turn("caller", "Where are you?", role="human", emotion="angry", level=2), …))
"""

from dataclasses import dataclass

from weft.schemas.audio import Audio, Field, Word


@dataclass(frozen=True, slots=True)
class Document:
    """A piece of text. It holds no audio, so its `seconds` are 0. `path` is its name in the source, with its id.

    Once ingested, `split` is train, validation or test, and `item` the key of the item that it was read from.
    `fields` are further texts of the source, by name (docs/data.md).
    """

    key: str
    source: str
    text: str
    language: str = ""
    licence: str = ""
    split: str = ""
    path: str = ""
    item: str = ""
    fields: tuple[Field, ...] = ()

    @property
    def seconds(self) -> float:
        return 0.0


ROLES = ("system", "human", "assistant", "tool")  # of a turn in a chat; "" where people talk with each other
SPOKEN_ROLES = ("", "human", "assistant")
SPEEDS = ("slow2", "slow1", "fast1", "fast2")
LEVELS = range(1, 6)
ANSWERS = ("chosen", "rejected")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the text of a turn came from: a writer with its version and seed, or the language model that it asked.

    All empty for a user's own text.
    """

    writer: str = ""
    version: str = ""
    seed: int = 0
    model: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """One speaker's turn: what is said, how, and when. `schemas.dialogue.checked` holds its rules.

    `emotion` and its `level` (1 to 5), `style` (such as rap), `speed` (one of `SPEEDS`) and `language` are for the voice;
    empty means the speaker's own. `pause` is the silence in seconds before the turn and is part of its audio; `overlap` the
    seconds for which it begins before the end of the spoken turn before it. `tool_call` is the JSON text of
    {"name", "arguments"}, `tool_result` that of {"name", "content"}. `answer` says which of two answers to the turns before it is:
    `chosen` or `rejected`; both stand in the dialogue, one after the other.

    `voice`, `audio`, `seconds`, `start` (seconds on the time line of the dialogue) and `words` (timed from the start of the
    turn's audio) are empty until the turn is synthesized.
    """

    speaker: str
    text: str
    emotion: str = ""
    level: int = 1
    voice: str = ""
    audio: Audio = Audio("")
    seconds: float = 0.0
    words: tuple[Word, ...] = ()
    role: str = ""
    style: str = ""
    speed: str = ""
    language: str = ""
    pause: float = 0.0
    overlap: float = 0.0
    tool_call: str = ""
    tool_result: str = ""
    origin: Origin = Origin()
    start: float = 0.0
    answer: str = ""
    fields: tuple[Field, ...] = ()

    @property
    def is_spoken(self) -> bool:
        """Whether a voice speaks it: a system prompt and what a tool returns are text only, as is a bare tool call."""
        return bool(self.text) and self.role in SPOKEN_ROLES


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Turns in order; synthesized once every spoken turn has audio. `split` is as the data calls it.

    `tools` is the JSON text of the list of tool schemas that the assistant may call.
    `fields` are further texts about it by name; a turn has its own.
    """

    key: str
    source: str
    turns: tuple[Turn, ...]
    language: str = ""
    licence: str = ""
    split: str = ""
    item: str = ""
    tools: str = ""
    fields: tuple[Field, ...] = ()

    @property
    def seconds(self) -> float:
        return sum(turn.seconds for turn in self.turns)
