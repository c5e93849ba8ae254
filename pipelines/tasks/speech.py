"""Speech alone: `[Speech][Hu262][Hu208]…`; no transcript is needed."""

from random import Random
from typing import ClassVar

from weft.pipelines.tasks import base
from weft.pipelines.tasks.base import TaskInput
from weft.pipelines.tasks.common.sample_builder import SampleBuilder


class Task(base.Task):
    """An utterance a sample."""

    needs: ClassVar[frozenset[str]] = frozenset({"units"})

    @property
    def markers(self) -> frozenset[str]:
        return frozenset({"speech"})

    def compose(self, task_input: TaskInput, builder: SampleBuilder, random: Random) -> None:
        assert task_input.units
        builder.marker("speech")
        builder.units(task_input.units, 0.0, task_input.seconds)
