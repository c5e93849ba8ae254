"""A preference pair: one sample of two documents, the prompt with the chosen answer and the prompt with the rejected one.

dpo: {use: pairs, sources: [chats], template: step-audio, turns: […]}                              as `dialogue` takes them
<|BOT|>human\\n…<|EOT|><|BOT|>assistant\\nI am fine.…<|EOT|> | <|BOT|>human\\n…<|EOT|><|BOT|>assistant\\nNo.…<|EOT|>

dpo: {use: pairs, sources: [quiz], template: step-audio,
      turns: [{role: human, say: {field: question}}, {role: assistant, say: {field: chosen}}]}     of an utterance or a document

The prompt is written twice. At the bound between the documents attention begins anew, and the context never cuts the sample.
"""

from collections.abc import Iterator
from random import Random
from typing import Any, ClassVar, Literal

from pydantic import model_validator

from weft.pipelines.tasks import dialogue
from weft.pipelines.tasks.base import Material, Written
from weft.pipelines.tasks.common.content import RecordField, TurnTemplate
from weft.pipelines.tasks.common.sample_builder import SampleBuilder
from weft.pipelines.tasks.common.turns import TurnWriter
from weft.schemas.audio import Utterance
from weft.schemas.facts import Facts
from weft.schemas.ledger import Unusable
from weft.schemas.text import ANSWERS, Dialogue, Document

CHOSEN, REJECTED = ANSWERS


class Task(dialogue.Task):
    """Takes dialogues whose last turns are marked `chosen` and `rejected`; of other sources, records with fields of these names: the
    last of the turns then says the field `chosen`, and in the second document `rejected`. Only the answers count, of the roles in
    `loss`.
    """

    marks: ClassVar[tuple[str, ...]] = ("", *ANSWERS)

    cut: Literal["never"] = "never"

    @model_validator(mode="after")
    def _answers_count(self) -> "Task":
        role = self.turns[-1].role if CHOSEN in self.turns[-1].fields else "assistant"
        if role not in self.loss:
            raise ValueError(f"`loss` lacks the role of the answers, {role!r}: nothing of a pair would count")
        return self

    @property
    def fields(self) -> frozenset[str]:
        fields = super().fields
        return fields | {REJECTED} if CHOSEN in self.turns[-1].fields else fields

    def takes_of(self, makes: type) -> type:
        if makes is Dialogue or CHOSEN not in self.turns[-1].fields:
            return Dialogue
        return Document if makes is Document and all(turn.is_written for turn in self.turns) else Utterance

    def misfits(self, facts: Facts, takes: type) -> Iterator[str]:
        yield from super().misfits(facts, takes)
        if takes is Dialogue and CHOSEN in self.turns[-1].fields:
            yield f"gives dialogues, whose two answers are turns: say `text` or a stream in place of the field {CHOSEN!r}"
        if takes is Dialogue and facts.has_answers is False:
            yield "has no dialogues with answers marked `chosen` and `rejected`"

    def compose(self, material: Material, builder: SampleBuilder, random: Random) -> None:
        self._check(material)
        for answer in ANSWERS:
            if answer == REJECTED:
                builder.next_document()
            self._document(material, builder, answer)
        (bound,) = builder.bounds
        if builder.ids[:bound] == builder.ids[bound:]:
            raise Unusable("equal_answers", "its chosen and its rejected answer are the same tokens")

    def _check(self, material: Material) -> None:
        """Raises Unusable for a dialogue without two answers."""
        source = material.source
        if isinstance(source, Dialogue) and not any(turn.answer for turn in source.turns):
            raise Unusable("no_answers", "none of its turns is marked as the chosen or the rejected of two answers")

    def _document(self, material: Material, builder: SampleBuilder, answer: str) -> None:
        given: dict[str, Any] = {"builder": builder, "template": self.template, "image": material.image}
        prompt = TurnWriter(**given, loss=frozenset())
        answers = TurnWriter(**given, loss=frozenset(self.loss))
        if isinstance(material.source, Dialogue):
            self.write(material, {"": prompt, answer: answers})
            return
        content = Written(material.source) if isinstance(material.source, Document) else material.spoken[0]
        *asked, last = self.turns
        for turn in asked:
            prompt.write(turn, content)
        answers.write(_with_answer(last, answer), content)


def _with_answer(turn: TurnTemplate, answer: str) -> TurnTemplate:
    """The turn with the field `chosen` replaced."""
    say = tuple(RecordField(field=answer) if part == RecordField(field=CHOSEN) else part for part in turn.say)
    return turn.model_copy(update={"say": say})
