"""A task over one of its sources, which is what `weft plan` estimates."""

from dataclasses import dataclass

from weft.pipelines.graph import Pipeline
from weft.pipelines.tasks.base import Task


@dataclass(frozen=True)
class TaskSource:
    """`name` and `source` are those of the task and the source in the recipe."""

    pipeline: Pipeline
    name: str
    source: str

    @property
    def task(self) -> Task:
        return self.pipeline.tasks[self.name]

    @property
    def takes(self) -> type:
        """The record that a sample is about."""
        return self.task.takes_of(self.pipeline.sources[self.source].makes)
