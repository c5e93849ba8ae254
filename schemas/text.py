"""Written text and spoken scripts.

Document("book-1f-00012", source="books", text="It was the best of times …")
Dialogue("taxi-77", source="dialogues", turns=(Turn("caller", "Where are you?", emotion="angry", level=2), …))
"""

from dataclasses import dataclass

from weft.schemas.audio import Audio, Word


@dataclass(frozen=True, slots=True)
class Document:
    """A piece of text. It holds no audio, so its `seconds` are 0. `path` is its name in the source, with its id.

    Once ingested, `split` is train, validation or test, and `item` the key of the item that it was read from.
    """

    key: str
    source: str
    text: str
    language: str = ""
    licence: str = ""
    split: str = ""
    path: str = ""
    item: str = ""

    @property
    def seconds(self) -> float:
        return 0.0


@dataclass(frozen=True, slots=True)
class Turn:
    """One speaker's turn. `emotion` and its `level` (1 to 5) are what the voice acts out.

    `audio`, `seconds` and `words` (timed from the start of the turn) are empty until the turn was spoken.
    """

    speaker: str
    text: str
    emotion: str = ""
    level: int = 1
    voice: str = ""
    audio: Audio = Audio("")
    seconds: float = 0.0
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Turns in order; spoken once every turn has audio. `split` is as the data calls it."""

    key: str
    source: str
    turns: tuple[Turn, ...]
    language: str = ""
    licence: str = ""
    split: str = ""
    item: str = ""

    @property
    def seconds(self) -> float:
        return sum(turn.seconds for turn in self.turns)
