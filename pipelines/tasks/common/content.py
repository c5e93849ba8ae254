"""What a turn or a chunk says, in the order of a list, and what a task needs to say it.

{role: human, say: [hubert], open: audio-start, close: audio-end}
{role: assistant, say: [{of: [text, fsq], sizes: [1, 4]}], open: tts-start, close: tts-end}
{role: system, say: [{literal: "Translate the speech into German."}]}
{role: assistant, say: [{literal: "<think>\\n"}, {field: thought}, {literal: "\\n</think>\\n"}, {field: answer}]}
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag, field_validator

from weft.pipelines.tasks import base
from weft.pipelines.tasks.common.interleave import TEXT, Interleave
from weft.schemas.chat import ChatTemplate
from weft.schemas.settings import Settings
from weft.schemas.vocabulary import Modality

AUDIO: Modality = "audio"
IMAGE: Modality = "image"
LATENTS = (AUDIO, IMAGE)


class LiteralText(Settings):
    """Words of the recipe itself, such as an instruction."""

    literal: str = Field(min_length=1)


class RecordField(Settings):
    """A field of the record by its name, such as `question`; a record without it is a reject."""

    field: str = Field(min_length=1)


def _kind(part: Any) -> str:
    for kind, settings in (("literal", LiteralText), ("field", RecordField)):
        if isinstance(part, settings) or (isinstance(part, dict) and kind in part):
            return kind
    return "groups" if isinstance(part, Interleave | dict) else "name"


TurnPart = Annotated[
    Annotated[Interleave, Tag("groups")]
    | Annotated[LiteralText, Tag("literal")]
    | Annotated[RecordField, Tag("field")]
    | Annotated[str, Tag("name")],
    Discriminator(_kind),
]


class Content(Settings):
    """What a turn or a chunk says. Each part of `say` is `text` (the transcript), `audio` (latent) or `image`, a stream by its name, a
    literal, a field, or text and streams in groups.

    `open` and `close` are markers round what it says ("": none).
    """

    say: tuple[TurnPart, ...]
    open: str = ""
    close: str = ""

    @field_validator("say", mode="before")
    @classmethod
    def _one_is_a_list(cls, given: Any) -> Any:
        return given if isinstance(given, list | tuple) else (given,)

    @property
    def streams(self) -> tuple[str, ...]:
        """The streams that it says, by name."""
        return tuple(dict.fromkeys(name for part in self.say for name in _streams(part)))

    @property
    def latents(self) -> frozenset[Modality]:
        """What of `audio` and `image` it says."""
        return frozenset(kind for kind in LATENTS if kind in self.say)

    @property
    def fields(self) -> frozenset[str]:
        """The fields that it needs, by name: an image is a file that the field `image` names."""
        return frozenset(part.field for part in self.say if isinstance(part, RecordField)) | (self.latents & {IMAGE})

    @property
    def is_written(self) -> bool:
        """Whether it says text, fields, literals and an image alone, which need no audio."""
        return all(part in (TEXT, IMAGE) or isinstance(part, LiteralText | RecordField) for part in self.say)

    @property
    def markers(self) -> frozenset[str]:
        pads = [part.markers for part in self.say if isinstance(part, Interleave)]
        return frozenset({self.open, self.close}).union(*pads) - {""}


class TurnTemplate(Content):
    """A turn of `role`. The marker that opens does not count, as the prompt ends with it, unless `count_open` is set."""

    role: str = ""
    count_open: bool = False


@dataclass(frozen=True, slots=True)
class ContentAmount:
    """A content that is said of so many utterances of a recording, between its markers so many `times`."""

    content: Content
    utterances: float
    times: float


class ContentTask(base.Task):
    """A task that writes `contents`: its streams, latents, fields and markers are theirs, and its markers those of `chat` too."""

    @property
    def contents(self) -> tuple[Content, ...]:
        """All that its samples may say."""
        raise NotImplementedError

    def amounts_of(self, utterances: float) -> Sequence[ContentAmount]:
        """What is said of a recording of so many utterances, on average; nothing where samples are not of recordings."""
        return ()

    @property
    def says_text(self) -> bool:
        return any(part == TEXT or isinstance(part, Interleave) for content in self.contents for part in content.say)

    @property
    def chat(self) -> ChatTemplate:
        """What stands round turns and latents."""
        return ChatTemplate()

    @property
    def streams(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for content in self.contents for name in content.streams))

    @property
    def latents(self) -> frozenset[Modality]:
        return frozenset().union(*(content.latents for content in self.contents))

    @property
    def latent_markers(self) -> frozenset[tuple[str, Modality]]:
        return self.chat.latent_markers(self.latents)

    @property
    def fields(self) -> frozenset[str]:
        return frozenset().union(*(content.fields for content in self.contents))

    @property
    def markers(self) -> frozenset[str]:
        return self.chat.markers.union(*(content.markers for content in self.contents))


def _streams(part: TurnPart) -> Iterator[str]:
    if isinstance(part, Interleave):
        yield from part.streams
    elif isinstance(part, str) and part not in (TEXT, *LATENTS):
        yield part


def refuse_unknown_roles(loss: Sequence[str], roles: Sequence[str]) -> None:
    """Raises ValueError for a role in `loss` that no turn can have: nothing of it would count."""
    if unknown := sorted(set(loss) - set(roles)):
        raise ValueError(
            f"`loss` names the role {unknown[0]!r}; the turns' roles are {', '.join(map(repr, sorted(set(roles))))}"
        )
