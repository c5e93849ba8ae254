"""Synthesis: the transcript, then its speech (Spirit LM +ASR+TTS).

[Text] and so my fellow americans[TTS][Hu7][Hu41]…
"""

from random import Random
from typing import ClassVar

from weft.pipelines.tasks import base
from weft.pipelines.tasks.base import TaskInput, transcript
from weft.pipelines.tasks.common.sample_builder import SampleBuilder


class Task(base.Task):
    """`loss_on_input` counts the text too; without it only the speech and its marker are learnt."""

    needs: ClassVar[frozenset[str]] = frozenset({"units"})

    loss_on_input: bool = False

    @property
    def markers(self) -> frozenset[str]:
        return frozenset({"text", "tts"})

    def compose(self, task_input: TaskInput, builder: SampleBuilder, random: Random) -> None:
        assert task_input.units
        builder.marker("text", role="input", loss=self.loss_on_input)
        builder.text(f" {transcript(task_input)}", 0.0, task_input.seconds, role="input", loss=self.loss_on_input)
        builder.marker("tts", role="target")
        builder.units(task_input.units, 0.0, task_input.seconds, role="target")
