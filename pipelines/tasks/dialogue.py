"""A dialogue as one sample: every turn by the chat template, in the modality of its role (recipes of Step-Audio 2 and AQAA).

chat: {use: dialogue, sources: [chats], template: step-audio,
       turns: [{role: human, say: dual, open: audio-start, close: audio-end},
               {role: assistant, say: {of: [text, dual], sizes: [10, 15]}, open: audio-start, close: audio-end}]}

<|BOT|>human\n<audio_start>…<audio_end><|EOT|><|BOT|>assistant\n<audio_start>Very well …<audio_end><|EOT|>
"""

import json
from random import Random
from typing import ClassVar

from pydantic import Field, field_validator

from weft.pipelines.tasks import base
from weft.pipelines.tasks.base import Material, Spoken
from weft.pipelines.tasks.common.sample_builder import SampleBuilder
from weft.pipelines.tasks.common.turns import Turn, TurnWriter
from weft.schemas import text as records
from weft.schemas.chat import ChatTemplate
from weft.schemas.ledger import Unusable
from weft.schemas.text import Dialogue
from weft.schemas.vocabulary import Modality


class Task(base.Task):
    """`turns` has one entry a role that is spoken, or "" for dialogues without roles. Turns of the roles in `loss` count.

    What is not spoken is written as text: system prompts, tool schemas, calls and results. A dialogue one of whose spoken turns was
    rejected before is rejected whole.
    """

    takes: ClassVar[type] = Dialogue

    turns: tuple[Turn, ...] = Field(min_length=1)
    template: ChatTemplate = ChatTemplate()
    loss: tuple[str, ...] = ("assistant",)

    @field_validator("turns")
    @classmethod
    def _once(cls, turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
        roles = [turn.role for turn in turns]
        if len(set(roles)) < len(roles):
            raise ValueError(f"two entries have one role ({', '.join(roles)}); give each role once")
        return turns

    @property
    def streams(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for turn in self.turns for name in turn.streams))

    @property
    def latents(self) -> frozenset[Modality]:
        return frozenset().union(*(turn.latents for turn in self.turns))

    @property
    def latent_markers(self) -> frozenset[tuple[str, Modality]]:
        return self.template.latent_markers(self.latents)

    @property
    def markers(self) -> frozenset[str]:
        return self.template.markers.union(*(turn.markers for turn in self.turns))

    def compose(self, material: Material, builder: SampleBuilder, random: Random) -> None:
        dialogue = material.source
        assert isinstance(dialogue, Dialogue)
        writer = TurnWriter(builder=builder, template=self.template, loss=frozenset(self.loss), image=material.image)
        spoken = {one.utterance.turn: one for one in material.spoken}
        for number, turn in enumerate(dialogue.turns):
            self._turn(writer, turn, _of(turn, spoken.get(number), number))
            if turn.role == "system" and dialogue.tools:
                writer.write_text("tool_json_schemas", dialogue.tools)
        if dialogue.tools and not any(turn.role == "system" for turn in dialogue.turns):
            raise Unusable("no_system_turn", "its tools are told after a system turn, and it has none")

    def _turn(self, writer: TurnWriter, turn: records.Turn, spoken: Spoken | None) -> None:
        if spoken:
            writer.write(self._entry(turn.role), spoken, tool_call=turn.tool_call)
        elif turn.tool_result:
            result = json.loads(turn.tool_result)
            content = result["content"]
            text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
            writer.write_text(turn.role, f"{result['name']}\n{text}")
        else:
            writer.write_text(turn.role, turn.text, tool_call=turn.tool_call)

    def _entry(self, role: str) -> Turn:
        """How a spoken turn of this role is written. Raises Unusable."""
        for turn in self.turns:
            if turn.role == role:
                return turn
        known = ", ".join(repr(turn.role) for turn in self.turns)
        raise Unusable("unknown_role", f"the task says nothing of turns of the role {role!r}; it knows {known}")


def _of(turn: records.Turn, spoken: Spoken | None, number: int) -> Spoken | None:
    """The utterance of a turn; None of one that is not spoken. Raises Unusable for one that is lost."""
    if turn.is_spoken and spoken is None:
        raise Unusable("missing_turn", f"turn {number + 1} was rejected before: `weft rejects` says why")
    return spoken
