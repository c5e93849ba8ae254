"""Estimates of what one pass over a source supplies to a task.

Hours come from headers, tokens from typical rates: codes lose a third where equal neighbours become one (`dedup`), English speech holds
2.5 words a second and 1.3 tokens a word, text 4 bytes a token where `text_rates` cannot measure it.

Use(pipeline, "continuation", "talks").amount(stage, size)   ->   48_200.0
"""

from collections.abc import Sequence
from dataclasses import dataclass

from weft.jobs.source_sizes import SourceSize
from weft.jobs.task_source import TaskSource
from weft.jobs.token_rates import BYTES_A_TOKEN, TEXT_RATE, codes_a_second, tokens_of
from weft.jobs.turn_amounts import TurnAmount
from weft.jobs.turn_tokens import TurnTokens
from weft.pipelines.tasks import dialogue, pairs, prompts
from weft.pipelines.tasks.common.content import ContentTask, TurnTemplate
from weft.schemas.passage import Passage
from weft.schemas.text import Dialogue, Document
from weft.schemas.training import TrainingStage


@dataclass(frozen=True)
class Use(TaskSource):
    """What a task has of a source."""

    def drawn(self, size: SourceSize) -> SourceSize:
        """What of the source the task draws: the records of its split that give it a sample."""
        return size.of_split(self.task.split).fitting(self.name)

    def amount(self, stage: TrainingStage, size: SourceSize) -> float:
        """What one pass supplies, in the mixture's unit."""
        size = self.drawn(size)
        match stage.mixture.unit:
            case "tokens":
                return self.tokens(size)
            case "batches":
                return self.tokens(size) / stage.context
            case "seconds":
                return self._used(size).seconds
            case _:
                return self._used(size).items if self.takes in (Passage, Dialogue) else size.records

    def is_unknown(self, stage: TrainingStage, size: SourceSize) -> bool:
        """Whether nothing that was read of the source gives a sample, and not all of it was read."""
        return self.drawn(size).is_sample and self.amount(stage, size) == 0

    def tokens(self, size: SourceSize) -> float:
        """Estimated tokens in one pass."""
        size = self.drawn(size)
        if self.takes is Passage and isinstance(self.task, ContentTask):
            return self._of_recordings(self.task, self._used(size))
        if isinstance(self.task, ContentTask):
            return self._of_turns(self.task, size)
        if self.takes is Document:
            return size.bytes / (size.bytes_a_token or BYTES_A_TOKEN) + size.records * len(self.task.markers)
        units = size.seconds * sum(codes_a_second(self.pipeline, stream) for stream in self.task.streams)
        words = size.seconds * TEXT_RATE
        kind = type(self.task).__module__.rpartition(".")[2]
        half = (units + words) / 2  # about as much text as speech, each second in one of both
        return {"speech": units, "words": half}.get(kind, units + words)

    def _of_recordings(self, task: ContentTask, size: SourceSize) -> float:
        if not size.records:
            return 0.0
        amounts = task.amounts_of(size.records / size.items)
        return size.items * sum(tokens_of(self.pipeline, one, size.seconds / size.records) for one in amounts)

    def _of_turns(self, task: ContentTask, size: SourceSize) -> float:
        """Of a task whose samples are turns."""
        tokens = TurnTokens(
            pipeline=self.pipeline,
            name=self.name,
            source=self.source,
            bytes_a_token=size.bytes_a_token,
            rates=size.rates,
        )
        fields = dict(size.fields)
        entries = [one for one in task.contents if isinstance(one, TurnTemplate)]
        begun = tokens.around(task.role) if isinstance(task, prompts.Task) else 0.0
        if self.takes is Dialogue:
            return size.items * begun + self._of_dialogues(entries, tokens, size)
        amount = TurnAmount(turns=size.records, bytes=size.bytes, seconds=size.seconds)
        if size.turns.spoken:  # utterances of dialogues
            amount = size.turns.all_spoken
        twice = isinstance(task, pairs.Task)  # a pair is two documents
        return (1 + twice) * sum(tokens.entry(turn, amount, fields) for turn in entries) + size.records * begun

    def _of_dialogues(self, entries: Sequence[TurnTemplate], tokens: TurnTokens, size: SourceSize) -> float:
        """Of a pair the prompt is written twice. Where exchanges alternate, every second one is text."""
        by_role, task = {turn.role: turn for turn in entries}, self.task
        share = 0.5 if isinstance(task, dialogue.Task) and task.exchanges != "spoken" else 1.0
        total = 0.0
        for role, amount in size.turns.spoken.items():
            times = 2 if isinstance(task, pairs.Task) and role != "assistant" else 1
            said = tokens.entry(by_role[role], amount.scaled(share)) if role in by_role else 0.0
            total += times * (said + tokens.written(role, amount.scaled(1 - share)))
        return total + sum(tokens.written(role, amount) for role, amount in size.turns.written.items())

    def _used(self, size: SourceSize) -> SourceSize:
        """Without recordings that give no sample."""
        return size.of_length(self.task.fewest_utterances) if self.takes is Passage else size
