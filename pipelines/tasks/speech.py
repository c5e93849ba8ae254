"""Speech alone: `[Speech][Hu262][Hu208]…`; no transcript is needed."""

from random import Random
from typing import ClassVar

from weft.pipelines.tasks import base
from weft.pipelines.tasks.base import Material
from weft.pipelines.tasks.common.sample_builder import SampleBuilder


class Task(base.SpokenTask):
    """An utterance a sample. `open` and `close` are the markers at both ends ("": none)."""

    writes_text: ClassVar[bool] = False

    open: str = "speech"
    close: str = ""

    @property
    def markers(self) -> frozenset[str]:
        return frozenset({self.open, self.close}) - {""}

    def compose(self, material: Material, builder: SampleBuilder, random: Random) -> None:
        spoken = material.spoken[0]
        builder.marker(self.open)
        builder.codes(spoken.codes[self.stream])
        builder.marker(self.close)
