"""Turns about one utterance, by a template: recognition, synthesis, translation and the like.

asr: {use: turns, sources: [read], template: step-audio, turns: [{role: human, say: hubert}, {role: assistant, say: text}]}
     <|BOT|>human\n[Hu7][Hu41]…<|EOT|><|BOT|>assistant\nand so my fellow americans<|EOT|>
tts: {use: turns, sources: [read], loss: [human, assistant], leading_space: true,
      turns: [{role: human, say: text, open: text}, {role: assistant, say: hubert, open: tts, count_open: true}]}
     [Text] and so my fellow americans[TTS][Hu7][Hu41]…                              Spirit LM +ASR+TTS, without a template
"""

from random import Random

from pydantic import Field

from weft.pipelines.tasks import base
from weft.pipelines.tasks.base import Material
from weft.pipelines.tasks.common.sample_builder import SampleBuilder
from weft.pipelines.tasks.common.turns import Turn, TurnWriter
from weft.schemas.chat import ChatTemplate
from weft.schemas.vocabulary import Modality


class Task(base.Task):
    """`turns` in their order; those of the roles in `loss` count. `template` names an entry of `templates:`."""

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

    def compose(self, material: Material, builder: SampleBuilder, random: Random) -> None:
        writer = TurnWriter(
            builder=builder,
            template=self.template,
            loss=frozenset(self.loss),
            leading_space=self.leading_space,
            image=material.image,
        )
        for turn in self.turns:
            writer.write(turn, material.spoken[0])
