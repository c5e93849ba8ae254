"""Synthesis: the transcript, then its speech (Spirit LM +ASR+TTS).

[Text] and so my fellow americans[TTS][Hu7][Hu41]…
"""

from random import Random

from weft.pipelines.tasks import base
from weft.pipelines.tasks.base import Material
from weft.pipelines.tasks.common.sample_builder import SampleBuilder


class Task(base.SpokenTask):
    """`loss_on_input` counts the text too; without it only the speech and its marker are learnt."""

    loss_on_input: bool = False

    @property
    def markers(self) -> frozenset[str]:
        return frozenset({"text", "tts"})

    def compose(self, material: Material, builder: SampleBuilder, random: Random) -> None:
        spoken = material.spoken[0]
        builder.marker("text", role="input", loss=self.loss_on_input)
        builder.text(f" {spoken.text}", 0.0, spoken.utterance.seconds, role="input", loss=self.loss_on_input)
        builder.marker("tts", role="target")
        builder.codes(spoken.codes[self.stream], role="target")
