"""Writes what turns and chunks say into a sample.

writer.write(TurnTemplate(role="human", say=("hubert",), open="audio-start", close="audio-end"), spoken)
<|BOT|>human\\n<audio_start>[Hu7][Hu41]…<audio_end><|EOT|>
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from weft.pipelines.tasks.base import Spoken, Written
from weft.pipelines.tasks.common.content import AUDIO, IMAGE, Content, LiteralText, RecordField, TurnPart, TurnTemplate
from weft.pipelines.tasks.common.interleave import TEXT, Interleave
from weft.pipelines.tasks.common.sample_builder import SampleBuilder
from weft.schemas.chat import ChatTemplate
from weft.schemas.ledger import Unusable


@dataclass(frozen=True, slots=True)
class TurnWriter:
    """Writes turns into a sample. Turns of the roles in `loss` count; the template's header never does.

    Without a `template` a turn is what it says alone. `image` is what turns that say `image` show, as PNG.
    """

    builder: SampleBuilder
    template: ChatTemplate | None
    loss: frozenset[str]
    leading_space: bool = False
    image: bytes = b""

    def write(self, turn: TurnTemplate, spoken: Spoken | Written, tool_call: str = "") -> None:
        """A turn about an utterance or a document. `tool_call` is the JSON text of {"name", "arguments"}."""
        self.write_pieces([turn], [spoken], tool_call)

    def write_pieces(
        self, turns: Sequence[TurnTemplate], pieces: Sequence[Spoken | Written], tool_call: str = ""
    ) -> None:
        """A turn in pieces, each as the entry of `turns` beside it says it: they have one role, and one header and end together."""
        counts, role = self._counts(turns[0].role)
        self._header(turns[0].role)
        for turn, spoken in zip(turns, pieces, strict=True):
            self._content(turn, spoken, role, counts)
        self._end(turns[0].role, tool_call)

    def write_content(self, content: Content, spoken: Spoken, counts: bool) -> None:
        """What is said of an utterance, outside of any turn. Where it counts, so does the marker that opens it."""
        turn = TurnTemplate(say=content.say, open=content.open, close=content.close, count_open=True)
        self._content(turn, spoken, "target" if counts else "input", counts)

    def _content(self, turn: TurnTemplate, spoken: Spoken | Written, role: str, counts: bool) -> None:
        self.builder.marker(turn.open, role, loss=counts and turn.count_open)
        for part in turn.say:
            self._part(part, spoken, role, counts)
        self.builder.marker(turn.close, role, loss=counts)

    def write_text(self, role: str, text: str, tool_call: str = "") -> None:
        """A turn that is text alone, by its role in the dialogue."""
        counts, own = self._counts(role)
        self._header(role)
        self.builder.text(text, role=own, loss=counts)
        self._end(role, tool_call)

    def write_begin(self, role: str, marker: str) -> None:
        """A turn that only begins: its header, and the marker that opens what is said ("": none)."""
        self._header(role)
        self.builder.marker(marker, "input", loss=False)

    def _counts(self, role: str) -> tuple[bool, str]:
        """Whether turns of a role count, and what their segments are called."""
        return role in self.loss, "target" if role in self.loss else "input"

    def _header(self, role: str) -> None:
        if self.template:
            self.builder.marker(self.template.open, "input", loss=False)
            self.builder.text(self.template.header(role), role="input", loss=False)

    def _end(self, role: str, tool_call: str) -> None:
        counts, own = self._counts(role)
        if self.template:
            if tool_call:
                self._tool_call(self.template, json.loads(tool_call), own, counts)
            self.builder.marker(self.template.close, own, loss=counts)

    def _tool_call(self, template: ChatTemplate, call: dict[str, Any], role: str, counts: bool) -> None:
        arguments = json.dumps(call["arguments"], ensure_ascii=False)
        text = f"function\n{call['name']}\n{arguments}"
        if template.call_open:
            self.builder.marker(template.call_open, role, loss=counts)
            self.builder.text(text, role=role, loss=counts)
            self.builder.marker(template.call_close, role, loss=counts)
        else:
            self.builder.text(f"<tool_call>{text}</tool_call>", role=role, loss=counts)

    def _part(self, part: TurnPart, spoken: Spoken | Written, role: str, counts: bool) -> None:
        if isinstance(part, LiteralText):
            self.builder.text(part.literal, role=role, loss=counts)
        elif isinstance(part, RecordField):
            self.builder.text(spoken.field(part.field), role=role, loss=counts)
        elif part == TEXT:
            self.builder.text(self._spaced(spoken.text), 0.0, spoken.seconds, role=role, loss=counts)
        elif part == IMAGE:
            self._image()
        else:
            assert isinstance(spoken, Spoken), "a document says what is written alone"
            self._sound(part, spoken, role, counts)

    def _sound(self, part: Interleave | str, spoken: Spoken, role: str, counts: bool) -> None:
        if isinstance(part, Interleave):
            self.builder.interleaved(part, self._spaced(spoken.text), spoken.codes, role=role, loss=counts)
        elif part == AUDIO:
            self.builder.latent_audio(spoken.utterance, (self.template or ChatTemplate()).audio)
        else:
            self.builder.codes(spoken.codes[part], role=role, loss=counts)

    def _image(self) -> None:
        if not self.image:
            raise Unusable("no_image", "this task needs an image")
        self.builder.latent_image(self.image, (self.template or ChatTemplate()).image)

    def _spaced(self, text: str) -> str:
        return f" {text}" if self.leading_space else text
