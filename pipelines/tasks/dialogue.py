"""A dialogue as one sample: every turn by the chat template, in the modality of its role (recipes of Step-Audio 2 and AQAA).

chat: {use: dialogue, sources: [chats], template: step-audio,
       turns: [{role: human, say: dual, open: audio-start, close: audio-end},
               {role: assistant, say: {of: [text, dual], sizes: [10, 15]}, open: audio-start, close: audio-end}]}

<|BOT|>human\n<audio_start>…<audio_end><|EOT|><|BOT|>assistant\n<audio_start>Very well …<audio_end><|EOT|>
"""

import json
from collections.abc import Iterator, Sequence
from random import Random
from typing import ClassVar, Literal

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

Said = tuple[records.Turn, Spoken | None]  # a turn of the record, and its utterance where it is spoken


class Task(base.Task):
    """`turns` has one entry a role that is spoken, or "" for dialogues without roles. Turns of the roles in `loss` count.

    Consecutive turns of one speaker are turns of their own, or `pieces` of one: each with its markers and its own groups (`state`, for
    an answer whose emotion changes within it), or `joined` between one pair of markers. Of two answers the chosen one is written.
    What is not spoken is written as text: system prompts, tool schemas, calls and results. A dialogue one of whose spoken turns was
    rejected before is rejected whole.
    """

    takes: ClassVar[type] = Dialogue

    turns: tuple[Turn, ...] = Field(min_length=1)
    template: ChatTemplate = ChatTemplate()
    loss: tuple[str, ...] = ("assistant",)
    pieces: Literal["turns", "state", "joined"] = "turns"

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
    def fields(self) -> frozenset[str]:
        return frozenset().union(*(turn.fields for turn in self.turns))

    @property
    def markers(self) -> frozenset[str]:
        return self.template.markers.union(*(turn.markers for turn in self.turns))

    def compose(self, material: Material, builder: SampleBuilder, random: Random) -> None:
        writer = TurnWriter(builder=builder, template=self.template, loss=frozenset(self.loss), image=material.image)
        self.write(material, writer, ("", "chosen"))

    def write(self, material: Material, writer: TurnWriter, answers: Sequence[str]) -> None:
        """The turns that are marked as one of `answers`. Raises Unusable."""
        dialogue = material.source
        assert isinstance(dialogue, Dialogue)
        if dialogue.tools and not any(turn.role == "system" for turn in dialogue.turns):
            raise Unusable("no_system_turn", "its tools are told after a system turn, and it has none")
        for group in self._groups(_turns_of(material, dialogue, answers)):
            self._write(writer, group)
            if group[0][0].role == "system" and dialogue.tools:
                writer.write_text("tool_json_schemas", dialogue.tools)

    def _groups(self, turns: Sequence[Said]) -> Iterator[list[Said]]:
        """The turns of the record that are one turn of the sample."""
        group: list[Said] = []
        for turn in turns:
            if group and (self.pieces == "turns" or not _goes_on(group[-1], turn)):
                yield group
                group = []
            group.append(turn)
        if group:
            yield group

    def _write(self, writer: TurnWriter, group: Sequence[Said]) -> None:
        turn = group[-1][0]
        pieces = [spoken for _, spoken in group if spoken]
        if pieces:
            writer.write_pieces(self._entries(turn.role, len(pieces)), pieces, tool_call=turn.tool_call)
        elif turn.tool_result:
            result = json.loads(turn.tool_result)
            content = result["content"]
            text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
            writer.write_text(turn.role, f"{result['name']}\n{text}")
        else:
            writer.write_text(turn.role, turn.text, tool_call=turn.tool_call)

    def _entries(self, role: str, pieces: int) -> list[Turn]:
        """How each piece of a spoken turn is written. Raises Unusable."""
        entry = self._entry(role)
        if self.pieces != "joined":
            return [entry] * pieces
        inner = entry.model_copy(update={"open": "", "close": ""})
        made = [inner] * pieces
        made[0] = made[0].model_copy(update={"open": entry.open})
        made[-1] = made[-1].model_copy(update={"close": entry.close})
        return made

    def _entry(self, role: str) -> Turn:
        """How a spoken turn of this role is written. Raises Unusable."""
        for turn in self.turns:
            if turn.role == role:
                return turn
        known = ", ".join(repr(turn.role) for turn in self.turns)
        raise Unusable("unknown_role", f"the task says nothing of turns of the role {role!r}; it knows {known}")


def _turns_of(material: Material, dialogue: Dialogue, answers: Sequence[str]) -> list[Said]:
    """The turns with one of the marks and what is spoken of each. Raises Unusable for one whose utterance is lost."""
    spoken = {one.utterance.turn: one for one in material.spoken}
    made = []
    for number, turn in enumerate(dialogue.turns):
        if turn.answer in answers:
            if turn.is_spoken and number not in spoken:
                raise Unusable("missing_turn", f"turn {number + 1} was rejected before: `weft rejects` says why")
            made.append((turn, spoken.get(number)))
    return made


def _goes_on(before: Said, after: Said) -> bool:
    """Whether a spoken turn goes on with what its speaker said just before; a tool call ends a turn."""
    same = (before[0].role, before[0].speaker) == (after[0].role, after[0].speaker)
    return same and bool(before[1] and after[1]) and not before[0].tool_call
