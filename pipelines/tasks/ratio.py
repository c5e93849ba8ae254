"""Fixed-ratio interleaving of an utterance's text and one or more of its streams, as a sample of its own.

[tts] t a a a a t a a a a … pad a a a a        of: [text, fsq], sizes: [1, 4]
"""

from random import Random

from weft.pipelines.tasks import base
from weft.pipelines.tasks.base import Material
from weft.pipelines.tasks.common.interleave import TEXT, Interleave
from weft.pipelines.tasks.common.sample_builder import SampleBuilder


class Task(base.Task, Interleave):
    """`open` and `close` are the markers at both ends of the sample ("": none)."""

    leading_space: bool = True
    open: str = "speech"
    close: str = ""

    @property
    def streams(self) -> tuple[str, ...]:
        return tuple(name for name in self.of if name != TEXT)

    @property
    def markers(self) -> frozenset[str]:
        return frozenset({self.open, self.close, self.text_pad, self.audio_pad}) - {""}

    def compose(self, material: Material, builder: SampleBuilder, random: Random) -> None:
        spoken = material.spoken[0]
        text = f" {spoken.text}" if self.leading_space else spoken.text
        builder.marker(self.open)
        builder.interleaved(self, text, spoken.codes)
        builder.marker(self.close)
