"""A dialogue as one sample: every turn by the chat template, in the modality of its role (recipes of Step-Audio 2 and AQAA).

chat: {use: dialogue, sources: [chats], template: step-audio,
       turns: [{role: human, say: dual, open: audio-start, close: audio-end},
               {role: assistant, say: {of: [text, dual], sizes: [10, 15]}, open: audio-start, close: audio-end}]}

<|BOT|>human\n<audio_start>…<audio_end><|EOT|><|BOT|>assistant\n<audio_start>Very well …<audio_end><|EOT|>
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from weft.pipelines.tasks.base import Material, Spoken
from weft.pipelines.tasks.common.content import IMAGE, ContentTask, TurnTemplate, refuse_unknown_roles
from weft.pipelines.tasks.common.interleave import TEXT
from weft.pipelines.tasks.common.sample_builder import SampleBuilder
from weft.pipelines.tasks.common.turns import TurnWriter
from weft.schemas import text as records
from weft.schemas.chat import ChatTemplate
from weft.schemas.facts import Facts, FieldsByRole
from weft.schemas.ledger import Unusable
from weft.schemas.text import Dialogue


@dataclass(frozen=True, slots=True)
class DialogueTurn:
    """A turn of the record, and its utterance where it is written as speech."""

    turn: records.Turn
    spoken: Spoken | None


class Task(ContentTask):
    """`turns` has one entry a role that is spoken, or "" for dialogues without roles; one of another role says `text` alone. Turns of
    the roles in `loss` count.

    Consecutive turns of one speaker are turns of their own, or `pieces` of one: each with its markers and its own groups (`state`, for
    an answer whose emotion changes within it), or `joined` between one pair of markers. Of two answers the chosen one is written.
    Exchanges, each from a turn of the human to the next one, are all `spoken`, or alternate with such as are written as text.
    What is not spoken is written as text: system prompts, tool schemas, calls and results. A dialogue one of whose spoken turns was
    rejected before is rejected whole.
    """

    takes: ClassVar[type] = Dialogue
    marks: ClassVar[tuple[str, ...]] = ("", "chosen")  # of the turns that a sample holds

    turns: tuple[TurnTemplate, ...] = Field(min_length=1)
    template: ChatTemplate = ChatTemplate()
    loss: tuple[str, ...] = Field(default=("assistant",), min_length=1)
    pieces: Literal["turns", "state", "joined"] = "turns"
    exchanges: Literal["spoken", "speech-first", "text-first"] = "spoken"

    def version(self) -> str:
        return "2"

    @field_validator("turns")
    @classmethod
    def _once(cls, turns: tuple[TurnTemplate, ...]) -> tuple[TurnTemplate, ...]:
        roles = [turn.role for turn in turns]
        if len(set(roles)) < len(roles):
            raise ValueError(f"two entries have one role ({', '.join(roles)}); give each role once")
        return turns

    @field_validator("loss")
    @classmethod
    def _roles(cls, loss: tuple[str, ...]) -> tuple[str, ...]:
        refuse_unknown_roles(loss, ["", *records.ROLES])
        return loss

    @model_validator(mode="after")
    def _loss_has_turns(self) -> "Task":
        spoken = [role for role in self.loss if role in records.SPOKEN_ROLES]
        if missing := sorted(set(spoken) - {turn.role for turn in self.turns}):
            raise ValueError(
                f"`loss` names the role {missing[0]!r}, and no entry of `turns` has it: {self._entries_there()}"
            )
        return self

    def _entries_there(self) -> str:
        return f"their roles are {', '.join(repr(turn.role) for turn in self.turns)}"

    def misfits(self, facts: Facts, takes: type) -> Iterator[str]:
        yield from super().misfits(facts, takes)
        if takes is not Dialogue:
            return
        if turn := next((turn for turn in self.turns if not _is_as_written(turn)), None):
            yield f"has no spoken turns of the role {turn.role!r}: they are written as they are, so its entry says `text` alone"
        if facts.has_tools and facts.roles is not None and "system" not in facts.roles:
            yield "lists tools, which are written after a system turn, and has no such turn"
        if facts.roles is not None and self.loss and not facts.roles & set(self.loss):
            yield f"has no turn of a role in `loss`; its roles are {', '.join(map(repr, sorted(facts.roles)))}"
        if facts.dialogue_fields is not None and (missing := sorted(self.dialogue_fields - facts.dialogue_fields)):
            yield f"has no dialogues with a field {missing[0]!r}, which this task needs: a field of one of their turns does not serve"
        if self.exchanges == "spoken" and (spoken := facts.spoken_as(self.marks)) is not None:
            yield from self._speech_misfits(spoken)

    def _speech_misfits(self, spoken: FieldsByRole) -> Iterator[str]:
        """Of a sample whose spoken turns, of these roles and with these fields, are all written as speech."""
        if missing := sorted(spoken.keys() - {turn.role for turn in self.turns}):
            yield f"has spoken turns of the role {missing[0]!r}, of which `turns` says nothing ({self._entries_there()})"
        used = [turn for turn in self.turns if turn.role in spoken]
        for kind in sorted(self.latents - frozenset().union(*(turn.latents for turn in used))):
            yield f"has no spoken turns of a role whose entry says `{kind}`; their roles are {', '.join(map(repr, sorted(spoken)))}"
        for turn in used:
            if lost := sorted(turn.fields - {IMAGE} - spoken[turn.role]):
                yield f"has turns of the role {turn.role!r} without the field {lost[0]!r}, which its entry in `turns` says"

    @property
    def dialogue_fields(self) -> frozenset[str]:
        """The fields that a dialogue itself needs."""
        return self.latents & {IMAGE}

    @property
    def contents(self) -> tuple[TurnTemplate, ...]:
        return self.turns

    @property
    def chat(self) -> ChatTemplate:
        return self.template

    def compose(self, material: Material, builder: SampleBuilder, random: Random) -> None:
        """Raises Unusable, also for a dialogue of which nothing would count."""
        writer = TurnWriter(builder=builder, template=self.template, loss=frozenset(self.loss), image=material.image)
        self.write(material, dict.fromkeys(self.marks, writer))
        assert isinstance(material.source, Dialogue)
        roles = {turn.role for turn in material.source.turns}
        if not roles & set(self.loss):
            theirs = ", ".join(map(repr, sorted(roles)))
            raise Unusable("no_loss", f"none of its turns has a role in `loss`; its roles are {theirs}")

    def write(self, material: Material, writers: Mapping[str, TurnWriter]) -> None:
        """The turns by the writer of what they are marked as: neither, or one of two answers. Raises Unusable."""
        dialogue = material.source
        assert isinstance(dialogue, Dialogue)
        if dialogue.tools and not any(turn.role == "system" for turn in dialogue.turns):
            raise Unusable("no_system_turn", "its tools are told after a system turn, and it has none")
        turns = _turns_of(material, dialogue, writers)
        if self.exchanges != "spoken":
            turns = _alternating(turns, first=self.exchanges == "speech-first")
        for group in self._groups(turns):
            writer = writers[group[0].turn.answer]
            self._write(writer, group)
            if group[0].turn.role == "system" and dialogue.tools:
                writer.write_text("tool_json_schemas", dialogue.tools)

    def _groups(self, turns: Sequence[DialogueTurn]) -> Iterator[list[DialogueTurn]]:
        """The turns of the record that are one turn of the sample."""
        group: list[DialogueTurn] = []
        for turn in turns:
            if group and (self.pieces == "turns" or not _goes_on(group[-1], turn)):
                yield group
                group = []
            group.append(turn)
        if group:
            yield group

    def _write(self, writer: TurnWriter, group: Sequence[DialogueTurn]) -> None:
        turn = group[-1].turn
        pieces = [one.spoken for one in group if one.spoken]
        if pieces:
            writer.write_pieces(self._entries(turn.role, len(pieces)), pieces, tool_call=turn.tool_call)
        elif turn.tool_result:
            result = json.loads(turn.tool_result)
            content = result["content"]
            text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
            writer.write_text(turn.role, f"{result['name']}\n{text}")
        else:
            writer.write_text(turn.role, turn.text, tool_call=turn.tool_call)

    def _entries(self, role: str, pieces: int) -> list[TurnTemplate]:
        """How each piece of a spoken turn is written. Raises Unusable."""
        entry = self._entry(role)
        if self.pieces != "joined":
            return [entry] * pieces
        inner = entry.model_copy(update={"open": "", "close": ""})
        made = [inner] * pieces
        made[0] = made[0].model_copy(update={"open": entry.open})
        made[-1] = made[-1].model_copy(update={"close": entry.close})
        return made

    def _entry(self, role: str) -> TurnTemplate:
        """How a spoken turn of this role is written. Raises Unusable."""
        for turn in self.turns:
            if turn.role == role:
                return turn
        known = ", ".join(repr(turn.role) for turn in self.turns)
        raise Unusable("unknown_role", f"the task says nothing of turns of the role {role!r}; it knows {known}")


def _turns_of(material: Material, dialogue: Dialogue, answers: Collection[str]) -> list[DialogueTurn]:
    """The turns with one of the marks and what is spoken of each. Raises Unusable for one whose utterance is lost."""
    spoken = {one.utterance.turn: one for one in material.spoken}
    made = []
    for number, turn in enumerate(dialogue.turns):
        if turn.answer in answers:
            if turn.is_spoken and number not in spoken:
                raise Unusable("missing_turn", f"turn {number + 1} was rejected before: `weft rejects` says why")
            made.append(DialogueTurn(turn=turn, spoken=spoken.get(number)))
    return made


def _alternating(turns: Sequence[DialogueTurn], first: bool) -> list[DialogueTurn]:
    """The turns, of which those of every second exchange are not spoken: the second and fourth where the `first` is spoken."""
    made: list[DialogueTurn] = []
    is_spoken, before = not first, ""
    for one in turns:
        if one.turn.role == "human" != before:
            is_spoken = not is_spoken
        made.append(one if is_spoken else replace(one, spoken=None))
        before = one.turn.role
    return made


def _is_as_written(turn: TurnTemplate) -> bool:
    """Whether turns that no voice speaks, if they are such, are written as an entry says."""
    return turn.role in records.SPOKEN_ROLES or (turn.say == (TEXT,) and not turn.open and not turn.close)


def _goes_on(before: DialogueTurn, after: DialogueTurn) -> bool:
    """Whether a spoken turn goes on with what its speaker said just before; a tool call ends a turn."""
    same = all(getattr(before.turn, name) == getattr(after.turn, name) for name in ("role", "speaker", "answer"))
    return same and bool(before.spoken and after.spoken) and not before.turn.tool_call
