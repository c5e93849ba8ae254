"""Continuation: the consecutive utterances of a recording, as speech, or as speech that text continues.

audio:  {use: continuation, sources: [talks], say: dual, open: audio-start, close: audio-end}
        <audio_start><audio_11><audio_12>…<audio_end>                                           all utterances in one
speech-to-text: {use: continuation, sources: [talks], say: text, prompt: {say: dual, open: audio-start, close: audio-end}}
        <audio_start><audio_11>…<audio_end>It rained all day.
The prompt may be latent audio: `prompt: {say: audio}`.
"""

from collections.abc import Sequence
from random import Random
from typing import ClassVar, Literal

from pydantic import Field

from weft.pipelines.tasks.base import Material
from weft.pipelines.tasks.common.content import Content, ContentAmount, ContentTask
from weft.pipelines.tasks.common.joined import as_written
from weft.pipelines.tasks.common.sample_builder import SampleBuilder
from weft.pipelines.tasks.common.turns import TurnWriter
from weft.schemas.ledger import Unusable
from weft.schemas.passage import Passage


class Prompt(Content):
    """The first `utterances` of a recording, each said by itself."""

    utterances: int = Field(default=1, ge=1)


class Task(ContentTask, Content):
    """What follows the `prompt`, or all utterances where there is none, is said as one. In the loss count `all` tokens, or the `rest`
    after the prompt.
    """

    takes: ClassVar[type] = Passage

    prompt: Prompt | None = None
    loss: Literal["all", "rest"] = "all"
    leading_space: bool = False

    def version(self) -> str:
        return "2"

    @property
    def contents(self) -> tuple[Content, ...]:
        rest = Content(say=self.say, open=self.open, close=self.close)
        return (self.prompt, rest) if self.prompt else (rest,)

    @property
    def fewest_utterances(self) -> int:
        return (self.prompt.utterances if self.prompt else 0) + 1

    def amounts_of(self, utterances: float) -> Sequence[ContentAmount]:
        length = self.prompt.utterances if self.prompt else 0
        prompt = [ContentAmount(content=self.prompt, utterances=length, times=length)] if self.prompt else []
        return [*prompt, ContentAmount(content=self, utterances=utterances - length, times=1)]

    def compose(self, material: Material, builder: SampleBuilder, random: Random) -> None:
        length = self.prompt.utterances if self.prompt else 0
        if len(material.spoken) < self.fewest_utterances:
            raise Unusable("too_few_utterances", f"{len(material.spoken)} are too few after a prompt of {length}")
        writer = TurnWriter(builder=builder, template=None, loss=frozenset(), leading_space=self.leading_space)
        for piece in material.spoken[:length]:
            assert self.prompt
            writer.write_content(self.prompt, piece, counts=self.loss == "all")
        for piece in as_written(self.contents[-1], material.spoken[length:]):
            writer.write_content(self, piece, counts=True)
