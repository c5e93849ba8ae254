"""Fixed-ratio interleaving: `text` text tokens, then `audio` audio tokens, and again (Step-Audio 2 §2: 1 to 4 as served).

    [Speech] t a a a a t a a a a … pad a a a a

Where the text ends first, it is padded with the marker `text_pad`, or without one, the rest of the audio follows alone.
Where the audio ends first, the rest of the text follows alone.
"""

from random import Random
from typing import ClassVar

from pydantic import Field

from weft.pipelines.tasks import base
from weft.pipelines.tasks.base import TaskInput, transcript
from weft.pipelines.tasks.common.sample_builder import SampleBuilder


class Task(base.Task):
    """`start` and `stop` are the markers at both ends of the sample ("": none)."""

    needs: ClassVar[frozenset[str]] = frozenset({"units"})

    text: int = Field(default=1, ge=1)
    audio: int = Field(default=4, ge=1)
    text_pad: str = ""
    start: str = "speech"
    stop: str = ""

    @property
    def markers(self) -> frozenset[str]:
        return frozenset({self.start, self.stop, self.text_pad}) - {""}

    def compose(self, task_input: TaskInput, builder: SampleBuilder, random: Random) -> None:
        units = task_input.units
        assert units
        texts = builder.text_ids(f" {transcript(task_input)}")
        codes = builder.codes(units, units.ids)
        if self.text_pad:
            missing = -(-len(codes) // self.audio) * self.text - len(texts)
            texts += [builder.vocabulary.marker(self.text_pad).id] * max(0, missing)
        if self.start:
            builder.marker(self.start)
        while texts or codes:
            builder.tokens(texts[: self.text], "text", 0.0, 0.0, "text", loss=True)
            builder.tokens(codes[: self.audio], "speech", 0.0, 0.0, "units", loss=True)
            texts, codes = texts[self.text :], codes[self.audio :]
        if self.stop:
            builder.marker(self.stop)
