"""Estimated tokens of turns: what stands round them by their template, what they say, and the text of those that nobody speaks.

TurnTokens(pipeline, "asr", "read").entry(turn, TurnAmount(turns=360, seconds=1123.0))   ->   26_400.0

Texts of the recipe itself are spelt by the text tokenizer, where that is one that needs no training.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from weft.jobs.task_source import TaskSource
from weft.jobs.token_rates import BYTES_A_TOKEN, TEXT_RATE, codes_a_second
from weft.jobs.turn_amounts import CALLS, TOOLS, TurnAmount
from weft.pipelines.tasks.common.content import AUDIO, IMAGE, LiteralText, RecordField, TurnPart, TurnTemplate
from weft.pipelines.tasks.common.interleave import TEXT, Interleave
from weft.schemas.chat import ChatTemplate
from weft.schemas.text import SPOKEN_ROLES
from weft.tokenizers.pretrained import Tokenizer

OTHER_BYTES = 2.2  # of other text, where the tokenizer is trained on the corpus: measured of 2,000 ids
SIGNS_BYTES = 1.5  # the same of JSON and of the names of roles
NO_FIELDS: Mapping[str, float] = {}
PIXELS = 512  # of an image, a side: most encoders scale it anyway


@dataclass(frozen=True)
class TurnTokens(TaskSource):
    """Tokens of the turns of a task over a source; `bytes_a_token` of its text where that was measured, `rates` of its named texts."""

    bytes_a_token: float | None = None
    rates: Mapping[str, float] = field(default_factory=dict)

    @property
    def template(self) -> ChatTemplate | None:
        return getattr(self.task, "template", None)

    def entry(self, turn: TurnTemplate, amount: TurnAmount, fields: Mapping[str, float] = NO_FIELDS) -> float:
        """Turns as an entry of the task writes them; text without known bytes is as long as its seconds say. `fields` are the bytes of
        each field in all of them.
        """
        marked = bool(turn.open) + bool(turn.close)
        said = sum(self._part(part, amount, fields) for part in turn.say)
        return amount.turns * (self.around(turn.role) + marked) + said

    def written(self, role: str, amount: TurnAmount) -> float:
        """Turns that are text alone."""
        is_signs = role in (CALLS, TOOLS) or role not in (*SPOKEN_ROLES, "system")
        said = self.of_bytes(amount.bytes, is_signs) if is_signs else self._of_named("text", amount.bytes)
        return amount.turns * self.around(role) + said

    def around(self, role: str) -> float:
        """What the template puts round a turn."""
        if not self.template:
            return 0.0
        return bool(self.template.open) + self.literal(self.template.header(role)) + bool(self.template.close)

    def literal(self, text: str) -> float:
        model = self.pipeline.text.model if isinstance(self.pipeline.text, Tokenizer) else ""
        spelt = _spelt(model, text) if model and os.path.isdir(model) else -1
        return float(spelt) if spelt >= 0 else self.of_bytes(len(text.encode()), is_signs=True)

    def of_bytes(self, length: float, is_signs: bool = False) -> float:
        """Tokens of text of this source of so many bytes."""
        trained_on = self.pipeline.recipe.text.sources or tuple(self.pipeline.sources)
        if self.pipeline.text.trains and is_signs:
            return length / SIGNS_BYTES
        if self.bytes_a_token:
            return length / self.bytes_a_token
        knows = not self.pipeline.text.trains or self.source in trained_on
        return length / (BYTES_A_TOKEN if knows else OTHER_BYTES)

    def _part(self, part: TurnPart, amount: TurnAmount, fields: Mapping[str, float]) -> float:
        if isinstance(part, LiteralText):
            return amount.turns * self.literal(part.literal)
        if isinstance(part, RecordField):
            return self._of_named(part.field, fields.get(part.field, 0.0))
        if isinstance(part, Interleave):
            return self._groups(part, amount)
        if part == TEXT:
            return self._text(amount)
        if part == AUDIO:
            rate = self.pipeline.encoders.audio.rate if self.pipeline.encoders.audio else 0.0
            return amount.seconds * rate + 2 * amount.turns
        if part == IMAGE:
            encoder = self.pipeline.encoders.image
            return amount.turns * (encoder.placeholders(PIXELS, PIXELS) + 2 if encoder else 0)
        return amount.seconds * codes_a_second(self.pipeline, part)

    def _text(self, amount: TurnAmount) -> float:
        return self._of_named("text", amount.bytes) if amount.bytes else amount.seconds * TEXT_RATE

    def _of_named(self, name: str, length: float) -> float:
        """Tokens of so many bytes of texts of one name."""
        return length / self.rates[name] if name in self.rates else self.of_bytes(length)

    def _groups(self, groups: Interleave, amount: TurnAmount) -> float:
        """Text is padded to as many groups as its audio has, where there is a marker for it, and audio likewise."""
        sizes = dict(zip(groups.of, groups.sizes, strict=True))
        codes = {name: amount.seconds * codes_a_second(self.pipeline, name) for name in groups.streams}
        text = self._text(amount)
        padded = max(length / sizes[name] for name, length in codes.items()) * sizes[TEXT] if groups.text_pad else 0.0
        filled = {
            name: text / sizes[TEXT] * sizes[name] if groups.audio_pad and groups.pad_audio == "whole" else 0.0
            for name in codes
        }
        return max(text, padded) + sum(max(length, filled[name]) for name, length in codes.items())


@cache
def _spelt(model: str, text: str) -> int:
    """Tokens of a text by a tokenizer that is there; -1 where it cannot be read, which a build says."""
    tokenizer = _loaded(model)
    return len(tokenizer.encode(text)) if tokenizer else -1


@cache
def _loaded(model: str) -> Tokenizer | None:
    made = Tokenizer(model=model)
    try:
        made.train([])
    except ValueError:
        return None
    return made
