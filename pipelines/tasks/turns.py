"""Turns about one utterance or document, by a template: recognition, synthesis, translation and the like.

asr: {use: turns, sources: [read], template: step-audio, turns: [{role: human, say: hubert}, {role: assistant, say: text}]}
     <|BOT|>human\n[Hu7][Hu41]…<|EOT|><|BOT|>assistant\nand so my fellow americans<|EOT|>
tts: {use: turns, sources: [read], loss: [human, assistant], leading_space: true,
      turns: [{role: human, say: text, open: text}, {role: assistant, say: hubert, open: tts, count_open: true}]}
     [Text] and so my fellow americans[TTS][Hu7][Hu41]…                              Spirit LM +ASR+TTS, without a template
"""

from random import Random

from pydantic import Field, model_validator

from weft.pipelines.tasks.base import Material, Written
from weft.pipelines.tasks.common.content import ContentTask, TurnTemplate, refuse_unknown_roles
from weft.pipelines.tasks.common.sample_builder import SampleBuilder
from weft.pipelines.tasks.common.turns import TurnWriter
from weft.schemas.chat import ChatTemplate
from weft.schemas.text import Document


class Task(ContentTask):
    """`turns` in their order; those of the roles in `loss` count. `template` names an entry of `templates:`.

    Where all that the turns say is written (text, fields, literals), a source of documents may be taken too.
    """

    turns: tuple[TurnTemplate, ...] = Field(min_length=1)
    template: ChatTemplate | None = None
    loss: tuple[str, ...] = Field(default=("assistant",), min_length=1)
    leading_space: bool = False

    @model_validator(mode="after")
    def _roles(self) -> "Task":
        refuse_unknown_roles(self.loss, [turn.role for turn in self.turns])
        return self

    @property
    def contents(self) -> tuple[TurnTemplate, ...]:
        return self.turns

    @property
    def chat(self) -> ChatTemplate:
        return self.template or super().chat

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
        content = Written(material.source) if isinstance(material.source, Document) else material.spoken[0]
        for turn in self.turns:
            writer.write(turn, content)
