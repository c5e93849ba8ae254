"""A prompt: all that is said before a turn, and the header of that turn, where the model goes on. For reinforcement learning.

rl: {use: prompts, sources: [checks], template: step-audio, turns: [{role: human, say: [audio, {field: question}]}], answer: answer}
<|BOT|>human\\n<audio_start>…<audio_end>Which emotion?<|EOT|><|BOT|>assistant\\n            and in KEY.json  "answer":"sad"

No token counts in the loss, and the context never cuts a sample.
"""

from collections.abc import Iterator
from random import Random
from typing import ClassVar, Literal

from weft.pipelines.tasks import dialogue
from weft.pipelines.tasks.base import Material, Written
from weft.pipelines.tasks.common.sample_builder import SampleBuilder
from weft.pipelines.tasks.common.turns import TurnWriter
from weft.schemas.audio import Utterance
from weft.schemas.facts import Facts
from weft.schemas.ledger import Unusable
from weft.schemas.text import Dialogue, Document


class Task(dialogue.Task):
    """Takes utterances and documents, of which it says `turns` in their order; and dialogues, as `dialogue` does, without answers that
    are marked `chosen` or `rejected`. Then `role` has the turn, which begins with the marker `open` ("": none) and which nobody ends.

    `answer` names the field of the record that holds the answer to check a reply with ("": none): it is kept in KEY.json.
    """

    takes: ClassVar[type] = Utterance
    is_prompt: ClassVar[bool] = True
    marks: ClassVar[tuple[str, ...]] = ("",)

    cut: Literal["never"] = "never"
    loss: tuple[()] = ()
    role: str = "assistant"
    open: str = ""
    answer: str = ""

    @property
    def keeps_answer(self) -> bool:
        return bool(self.answer)

    @property
    def markers(self) -> frozenset[str]:
        return (super().markers | {self.open}) - {""}

    @property
    def fields(self) -> frozenset[str]:
        return (super().fields | {self.answer}) - {""}

    def takes_of(self, makes: type) -> type:
        if makes is Dialogue:
            return Dialogue
        return Document if makes is Document and all(turn.is_written for turn in self.turns) else Utterance

    def misfits(self, facts: Facts, takes: type) -> Iterator[str]:
        yield from super().misfits(facts, takes)
        if takes is Dialogue and facts.last == self.role:
            yield f"has dialogues that end with a turn of the role {self.role!r}, and a prompt ends before that"

    @property
    def dialogue_fields(self) -> frozenset[str]:
        return (super().dialogue_fields | {self.answer}) - {""}

    def compose(self, material: Material, builder: SampleBuilder, random: Random) -> None:
        writer = TurnWriter(builder=builder, template=self.template, loss=frozenset(), image=material.image)
        if isinstance(material.source, Dialogue):
            self._check(material.source)
            self.write(material, dict.fromkeys(self.marks, writer))
        else:
            content = Written(material.source) if isinstance(material.source, Document) else material.spoken[0]
            for turn in self.turns:
                writer.write(turn, content)
        writer.write_begin(self.role, self.open)
        builder.answer = material.field(self.answer) if self.answer else ""

    def _check(self, source: Dialogue) -> None:
        """Raises Unusable for a dialogue in which the turn has been had."""
        asked = [turn for turn in source.turns if not turn.answer]
        if not asked or asked[-1].role == self.role:
            last = f"it ends with a turn of the role {self.role!r}" if asked else "it has answers alone"
            raise Unusable("no_prompt", f"{last}; a prompt ends before that")
