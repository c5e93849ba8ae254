"""Recognition: the speech, then its transcript (Spirit LM +ASR+TTS).

[Speech][Hu7][Hu41]…[ASR] and so my fellow americans
"""

from random import Random
from typing import ClassVar

from weft.pipelines.tasks import base
from weft.pipelines.tasks.base import TaskInput, transcript
from weft.pipelines.tasks.common.sample_builder import SampleBuilder


class Task(base.Task):
    """`loss_on_input` counts the speech too; without it only the transcript and its marker are learnt."""

    needs: ClassVar[frozenset[str]] = frozenset({"units"})

    loss_on_input: bool = False

    @property
    def markers(self) -> frozenset[str]:
        return frozenset({"speech", "asr"})

    def compose(self, task_input: TaskInput, builder: SampleBuilder, random: Random) -> None:
        assert task_input.units
        text = transcript(task_input)
        builder.marker("speech", role="input", loss=self.loss_on_input)
        builder.units(task_input.units, 0.0, task_input.seconds, role="input", loss=self.loss_on_input)
        builder.marker("asr", role="target")
        builder.text(f" {text}", 0.0, task_input.seconds, role="target")
