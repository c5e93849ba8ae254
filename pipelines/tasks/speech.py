"""Speech alone: `[Speech][Hu262][Hu208]…`; no transcript is needed."""

from random import Random

from weft.pipelines.tasks import base
from weft.pipelines.tasks.base import Material
from weft.pipelines.tasks.common.sample_builder import SampleBuilder


class Task(base.SpokenTask):
    """An utterance a sample."""

    @property
    def markers(self) -> frozenset[str]:
        return frozenset({"speech"})

    def compose(self, material: Material, builder: SampleBuilder, random: Random) -> None:
        spoken = material.spoken[0]
        builder.marker("speech")
        builder.codes(spoken.codes[self.stream])
