"""A preference pair: one sample of two documents, the prompt with the chosen answer and the prompt with the rejected one.

dpo: {use: pairs, sources: [chats], template: step-audio, turns: […]}                              as `dialogue` takes them
<|BOT|>human\\n…<|EOT|><|BOT|>assistant\\nI am fine.…<|EOT|> | <|BOT|>human\\n…<|EOT|><|BOT|>assistant\\nNo.…<|EOT|>

The prompt is written twice. At the bound between the documents attention begins anew, and the context never cuts the sample.
"""

from random import Random
from typing import Literal

from weft.pipelines.tasks import dialogue
from weft.pipelines.tasks.base import Material
from weft.pipelines.tasks.common.sample_builder import SampleBuilder
from weft.pipelines.tasks.common.turns import TurnWriter
from weft.schemas.ledger import Unusable
from weft.schemas.text import ANSWERS, Dialogue


class Task(dialogue.Task):
    """Takes dialogues whose last turns are marked `chosen` and `rejected`. Only the answers count, of the roles in `loss`."""

    cut: Literal["never"] = "never"

    def compose(self, material: Material, builder: SampleBuilder, random: Random) -> None:
        assert isinstance(material.source, Dialogue)
        if not any(turn.answer for turn in material.source.turns):
            raise Unusable("no_answers", "none of its turns is marked as the chosen or the rejected of two answers")
        for answer in ANSWERS:
            if answer == "rejected":
                builder.next_document()
            self._document(material, builder, answer)
        (bound,) = builder.bounds
        if builder.ids[:bound] == builder.ids[bound:]:
            raise Unusable("equal_answers", "its chosen and its rejected answer are the same tokens")

    def _document(self, material: Material, builder: SampleBuilder, answer: str) -> None:
        prompt = TurnWriter(builder=builder, template=self.template, loss=frozenset(), image=material.image)
        self.write(material, prompt, ("",))
        answers = TurnWriter(builder=builder, template=self.template, loss=frozenset(self.loss), image=material.image)
        self.write(material, answers, (answer,))
