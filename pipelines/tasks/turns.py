"""Turns about one utterance or document, by a template: recognition, synthesis, translation and the like.

asr: {use: turns, sources: [read], template: step-audio, turns: [{role: human, say: hubert}, {role: assistant, say: text}]}
     <|BOT|>human\n[Hu7][Hu41]…<|EOT|><|BOT|>assistant\nand so my fellow americans<|EOT|>
tts: {use: turns, sources: [read], loss: [human, assistant], leading_space: true,
      turns: [{role: human, say: text, open: text}, {role: assistant, say: hubert, open: tts, count_open: true}]}
     [Text] and so my fellow americans[TTS][Hu7][Hu41]…                              Spirit LM +ASR+TTS, without a template
"""

from random import Random

from pydantic import Field

from weft.pipelines.tasks import base
from weft.pipelines.tasks.base import Material, Written
from weft.pipelines.tasks.common.sample_builder import SampleBuilder
from weft.pipelines.tasks.common.turns import Turn, TurnWriter
from weft.schemas.chat import ChatTemplate
from weft.schemas.text import Document
from weft.schemas.vocabulary import Modality


class Task(base.Task):
    """`turns` in their order; those of the roles in `loss` count. `template` names an entry of `templates:`.

    Where all that the turns say is written (text, fields, literals), a source of documents may be taken too.
    """

    turns: tuple[Turn, ...] = Field(min_length=1)
    template: ChatTemplate | None = None
    loss: tuple[str, ...] = ("assistant",)
    leading_space: bool = False

    @property
    def streams(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for turn in self.turns for name in turn.streams))

    @property
    def latents(self) -> frozenset[Modality]:
        return frozenset().union(*(turn.latents for turn in self.turns))

    @property
    def latent_markers(self) -> frozenset[tuple[str, Modality]]:
        return (self.template or ChatTemplate()).latent_markers(self.latents)

    @property
    def markers(self) -> frozenset[str]:
        template = self.template.markers if self.template else frozenset()
        return template.union(*(turn.markers for turn in self.turns))

    @property
    def fields(self) -> frozenset[str]:
        return frozenset().union(*(turn.fields for turn in self.turns))

    def takes_of(self, makes: type) -> type:
        return Document if makes is Document and all(turn.is_written for turn in self.turns) else self.takes

    def compose(self, material: Material, builder: SampleBuilder, random: Random) -> None:
        writer = TurnWriter(
            builder=builder,
            template=self.template,
            loss=frozenset(self.loss),
            leading_space=self.leading_space,
            image=material.image,
        )
        said = Written(material.source) if isinstance(material.source, Document) else material.spoken[0]
        for turn in self.turns:
            writer.write(turn, said)
