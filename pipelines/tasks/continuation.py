"""Continuation: the consecutive utterances of a recording, as speech, or as speech that text continues.

audio:  {use: continuation, sources: [talks], say: dual, open: audio-start, close: audio-end}
        <audio_start><audio_11><audio_12>…<audio_end>                                           all utterances in one
speech-to-text: {use: continuation, sources: [talks], say: text, prompt: {say: dual, open: audio-start, close: audio-end}}
        <audio_start><audio_11>…<audio_end>It rained all day.
The prompt may be latent audio: `prompt: {say: audio}`.
"""

from random import Random
from typing import ClassVar, Literal

from pydantic import Field

from weft.pipelines.tasks import base
from weft.pipelines.tasks.base import Material
from weft.pipelines.tasks.common.joined import as_said
from weft.pipelines.tasks.common.sample_builder import SampleBuilder
from weft.pipelines.tasks.common.turns import Said, TurnWriter
from weft.schemas.chat import ChatTemplate
from weft.schemas.ledger import Unusable
from weft.schemas.passage import Passage
from weft.schemas.vocabulary import Modality


class Prompt(Said):
    """The first `utterances` of a recording, each said by itself."""

    utterances: int = Field(default=1, ge=1)


class Task(Said, base.Task):
    """What follows the `prompt`, or all utterances where there is none, is said as one. In the loss count `all` tokens, or the `rest`
    after the prompt.
    """

    takes: ClassVar[type] = Passage

    prompt: Prompt | None = None
    loss: Literal["all", "rest"] = "all"
    leading_space: bool = False

    @property
    def streams(self) -> tuple[str, ...]:
        said = (*(self.prompt.streams if self.prompt else ()), *super().streams)
        return tuple(dict.fromkeys(said))

    @property
    def latents(self) -> frozenset[Modality]:
        return super().latents | (self.prompt.latents if self.prompt else frozenset())

    @property
    def latent_markers(self) -> frozenset[tuple[str, Modality]]:
        return ChatTemplate().latent_markers(self.latents)

    @property
    def fields(self) -> frozenset[str]:
        return super().fields | (self.prompt.fields if self.prompt else frozenset())

    @property
    def markers(self) -> frozenset[str]:
        return super().markers | (self.prompt.markers if self.prompt else frozenset())

    def compose(self, material: Material, builder: SampleBuilder, random: Random) -> None:
        length = self.prompt.utterances if self.prompt else 0
        if len(material.spoken) <= length:
            raise Unusable("too_few_utterances", f"{len(material.spoken)} are too few after a prompt of {length}")
        writer = TurnWriter(builder=builder, template=None, loss=frozenset(), leading_space=self.leading_space)
        for piece in material.spoken[:length]:
            assert self.prompt
            writer.write_said(self.prompt, piece, counts=self.loss == "all")
        for piece in as_said(self, material.spoken[length:]):
            writer.write_said(self, piece, counts=True)
