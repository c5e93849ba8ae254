"""What a turn says, in the order of a list, and how it is written.

{role: human, say: [hubert], open: audio-start, close: audio-end}
{role: assistant, say: [{of: [text, fsq], sizes: [1, 4]}], open: tts-start, close: tts-end}
{role: system, say: [{literal: "Translate the speech into German."}]}
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag, field_validator

from weft.pipelines.tasks.base import Spoken
from weft.pipelines.tasks.common.interleave import TEXT, Interleave
from weft.pipelines.tasks.common.sample_builder import SampleBuilder
from weft.schemas.chat import ChatTemplate
from weft.schemas.settings import Settings


class Literal(Settings):
    """Words of the recipe itself, such as an instruction."""

    literal: str = Field(min_length=1)


def _kind(part: Any) -> str:
    if isinstance(part, Literal) or (isinstance(part, dict) and "literal" in part):
        return "literal"
    return "groups" if isinstance(part, Interleave | dict) else "name"


Part = Annotated[
    Annotated[Interleave, Tag("groups")] | Annotated[Literal, Tag("literal")] | Annotated[str, Tag("name")],
    Discriminator(_kind),
]


class Turn(Settings):
    """A turn of `role`. Each part of `say` is `text` (the transcript), a stream by its name, a literal, or text and streams in groups.

    `open` and `close` are markers round what it says ("": none). A marker that opens does not count where the turn does: the prompt
    ends with it; `count_open` makes it count.
    """

    role: str = ""
    say: tuple[Part, ...]
    open: str = ""
    close: str = ""
    count_open: bool = False

    @field_validator("say", mode="before")
    @classmethod
    def _one_is_a_list(cls, given: Any) -> Any:
        return given if isinstance(given, list | tuple) else (given,)

    @property
    def streams(self) -> tuple[str, ...]:
        """The streams that it says, by name."""
        return tuple(dict.fromkeys(name for part in self.say for name in _streams(part)))

    @property
    def markers(self) -> frozenset[str]:
        pads = [part.markers for part in self.say if isinstance(part, Interleave)]
        return frozenset({self.open, self.close}).union(*pads) - {""}


@dataclass(frozen=True, slots=True)
class TurnWriter:
    """Writes turns into a sample. Turns of the roles in `loss` count; the template's header never does.

    Without a `template` a turn is what it says alone.
    """

    builder: SampleBuilder
    template: ChatTemplate | None
    loss: frozenset[str]
    leading_space: bool = False

    def write(self, turn: Turn, spoken: Spoken) -> None:
        counts = turn.role in self.loss
        role = "target" if counts else "input"
        self._header(turn)
        self.builder.marker(turn.open, role, loss=counts and turn.count_open)
        for part in turn.say:
            self._part(part, spoken, role, counts)
        self.builder.marker(turn.close, role, loss=counts)
        if self.template:
            self.builder.marker(self.template.close, role, loss=counts)

    def _header(self, turn: Turn) -> None:
        if self.template:
            self.builder.marker(self.template.open, "input", loss=False)
            self.builder.text(self.template.header(turn.role), role="input", loss=False)

    def _part(self, part: Part, spoken: Spoken, role: str, counts: bool) -> None:
        if isinstance(part, Interleave):
            self.builder.interleaved(part, self._spaced(spoken.text), spoken.codes, role, counts)
        elif isinstance(part, Literal):
            self.builder.text(part.literal, role=role, loss=counts)
        elif part == TEXT:
            self.builder.text(self._spaced(spoken.text), 0.0, spoken.utterance.seconds, role=role, loss=counts)
        else:
            self.builder.codes(spoken.codes[part], role=role, loss=counts)

    def _spaced(self, text: str) -> str:
        return f" {text}" if self.leading_space else text


def _streams(part: Part) -> Iterator[str]:
    if isinstance(part, Interleave):
        yield from part.streams
    elif isinstance(part, str) and part != TEXT:
        yield part
