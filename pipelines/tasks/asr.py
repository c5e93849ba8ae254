"""Recognition: the speech, then its transcript (Spirit LM +ASR+TTS).

[Speech][Hu7][Hu41]…[ASR] and so my fellow americans
"""

from random import Random

from weft.pipelines.tasks import base
from weft.pipelines.tasks.base import Material
from weft.pipelines.tasks.common.sample_builder import SampleBuilder


class Task(base.SpokenTask):
    """`loss_on_input` counts the speech too; without it only the transcript and its marker are learnt."""

    loss_on_input: bool = False

    @property
    def markers(self) -> frozenset[str]:
        return frozenset({"speech", "asr"})

    def compose(self, material: Material, builder: SampleBuilder, random: Random) -> None:
        spoken = material.spoken[0]
        text = spoken.text
        builder.marker("speech", role="input", loss=self.loss_on_input)
        builder.codes(spoken.codes[self.stream], role="input", loss=self.loss_on_input)
        builder.marker("asr", role="target")
        builder.text(f" {text}", 0.0, spoken.utterance.seconds, role="target")
