"""Estimates of what one pass over a source supplies to a task.

Hours come from headers, tokens from typical rates: codes lose a third where equal neighbours become one (`dedup`), English speech holds
2.5 words a second and 1.3 tokens a word, text 4 bytes a token.

Use(pipeline, "continuation", "talks").amount(stage, held)   ->   48_200.0
"""

from dataclasses import dataclass

from weft.jobs.holdings import Holding
from weft.jobs.token_rates import TEXT_RATE, codes_a_second, tokens_of
from weft.pipelines.graph import Pipeline
from weft.pipelines.tasks.base import Task
from weft.pipelines.tasks.common.content import ContentTask
from weft.schemas.passage import Passage
from weft.schemas.text import Dialogue, Document
from weft.schemas.training import TrainingStage

BYTES_A_TOKEN = 4.0
PIXELS = 512  # of an image, a side: most encoders scale it anyway


@dataclass(frozen=True, slots=True)
class Use:
    """A task over one of its sources, by their names in the recipe."""

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

    def amount(self, stage: TrainingStage, held: Holding) -> float:
        """What one pass supplies, in the mixture's unit."""
        match stage.mixture.unit:
            case "tokens":
                return self.tokens(held)
            case "batches":
                return self.tokens(held) / stage.context
            case "seconds":
                return self._used(held).seconds
            case _:
                return self._used(held).items if self.takes in (Passage, Dialogue) else held.records

    def tokens(self, held: Holding) -> float:
        """Estimated tokens in one pass."""
        if self.takes is Passage and isinstance(self.task, ContentTask):
            return self._of_recordings(self.task, self._used(held))
        images = held.records * self._placeholders
        if self.takes is Document:
            return images + held.bytes / BYTES_A_TOKEN
        units = images + held.seconds * sum(codes_a_second(self.pipeline, stream) for stream in self.task.streams)
        if "audio" in self.task.latents and self.pipeline.encoders.audio:
            units += held.seconds * self.pipeline.encoders.audio.rate
        words = held.seconds * TEXT_RATE
        kind = type(self.task).__module__.rpartition(".")[2]
        half = (units + words) / 2  # about as much text as speech, each second in one of both
        return {"speech": units, "words": half}.get(kind, units + words)

    def _of_recordings(self, task: ContentTask, held: Holding) -> float:
        if not held.records:
            return 0.0
        said = task.said_of(held.records / held.items)
        return held.items * sum(tokens_of(self.pipeline, one, held.seconds / held.records) for one in said)

    def _used(self, held: Holding) -> Holding:
        """Without recordings that give no sample."""
        return held.of_length(self.task.fewest_utterances) if self.takes is Passage else held

    @property
    def _placeholders(self) -> int:
        """Those of one image, where the task has images."""
        encoder = self.pipeline.encoders.image if "image" in self.task.latents else None
        return encoder.placeholders(PIXELS, PIXELS) if encoder else 0
