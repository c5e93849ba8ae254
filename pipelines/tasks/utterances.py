"""Utterance-level interleaving: the utterances of a recording in chunks, each as text or as speech.

interleaved: {use: utterances, sources: [talks], text: {say: text}, first: text,
              speech: {say: {of: [text, fsq], sizes: [1, 4], text_pad: tts-pad}, open: tts-start, close: tts-end}}

We went out.<tts_start>It<audio_201>…<tts_end>So we ran.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from random import Random
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from weft.pipelines.tasks.base import Material, Spoken
from weft.pipelines.tasks.common.content import Content, ContentAmount, ContentTask
from weft.pipelines.tasks.common.joined import as_written
from weft.pipelines.tasks.common.sample_builder import SampleBuilder
from weft.pipelines.tasks.common.turns import TurnWriter
from weft.schemas.ledger import Unusable
from weft.schemas.passage import Passage
from weft.schemas.settings import Settings

_OTHER = {"text": "speech", "speech": "text"}


class Chunk(Settings):
    """How long a chunk is: so many `utterances`, or as many as last at most `seconds` together, and at least one."""

    utterances: int | None = Field(default=None, ge=1)
    seconds: float | None = Field(default=None, gt=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _one_length(self) -> "Chunk":
        if (self.utterances is None) == (self.seconds is None):
            raise ValueError("give either `utterances` or `seconds`")
        return self

    def of(self, pieces: Sequence[Spoken]) -> Iterator[list[Spoken]]:
        """The utterances in chunks."""
        chunk: list[Spoken] = []
        for piece in pieces:
            if chunk and not self._fits([*chunk, piece]):
                yield chunk
                chunk = []
            chunk.append(piece)
        if chunk:
            yield chunk

    def _fits(self, pieces: Sequence[Spoken]) -> bool:
        if self.utterances is not None:
            return len(pieces) <= self.utterances
        return sum(piece.utterance.seconds for piece in pieces) <= (self.seconds or 0.0)


class Task(ContentTask):
    """`text` and `speech` say how a chunk of each is written. The modality alternates, or is drawn with a `coin` for each chunk.

    Neighbouring chunks of one modality are one. `first` is the modality of the first chunk; `drawn` draws it, anew for each pass. The
    chunks of the modality in `loss` count, with their markers, or `all` do.
    """

    takes: ClassVar[type] = Passage

    speech: Content
    text: Content = Content(say=("text",))
    chunk: Chunk = Chunk(utterances=1)
    alternate: Literal["strict", "coin"] = "strict"
    first: Literal["drawn", "text", "speech"] = "drawn"
    loss: Literal["all", "text", "speech"] = "all"
    leading_space: bool = False

    @property
    def contents(self) -> tuple[Content, ...]:
        return (self.text, self.speech)

    @property
    def fewest_utterances(self) -> int:
        """Of two chunks; of chunks of so many seconds only the build knows."""
        return (self.chunk.utterances or 1) + 1

    def amounts_of(self, utterances: float) -> Sequence[ContentAmount]:
        chunks = utterances / (self.chunk.utterances or 1)
        return [ContentAmount(content=one, utterances=utterances / 2, times=chunks / 2) for one in self.contents]

    def compose(self, material: Material, builder: SampleBuilder, random: Random) -> None:
        chunks = list(self.chunk.of(material.spoken))
        if len(chunks) < 2:
            raise Unusable("too_few_utterances", f"{len(material.spoken)} in one chunk: there is nothing to alternate")
        writer = TurnWriter(builder=builder, template=None, loss=frozenset(), leading_space=self.leading_space)
        modalities = self._modalities(len(chunks), random)
        for modality, group in groupby(zip(modalities, chunks, strict=True), key=lambda pair: pair[0]):
            pieces = [piece for _, chunk in group for piece in chunk]
            content = self.text if modality == "text" else self.speech
            for piece in as_written(content, pieces):
                writer.write_content(content, piece, counts=self.loss in ("all", modality))

    def _modalities(self, chunks: int, random: Random) -> list[str]:
        made: list[str] = [random.choice(("text", "speech")) if self.first == "drawn" else self.first]
        while len(made) < chunks:
            made.append(random.choice(("text", "speech")) if self.alternate == "coin" else _OTHER[made[-1]])
        return made
