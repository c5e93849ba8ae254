"""The prompts of a stage in batches: what the model goes on from, and the answers that its replies are checked with.

stream = PromptStream(draws=DrawReader(shards), count=64)
batch = next(stream.batches(StreamState()))      batch.prompts[0].answer == "sad"
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from weft.trainer.loader import DrawReader
from weft.trainer.replies import PromptSample
from weft.trainer.stream import StreamState


@dataclass(frozen=True, slots=True, eq=False)
class PromptBatch:
    """The prompts of one step. `tasks` are sorted; `after` is the state to resume from."""

    prompts: tuple[PromptSample, ...]
    tasks: tuple[str, ...]
    after: StreamState

    @property
    def counted(self) -> int:
        """What there is to learn from."""
        return len(self.prompts)

    def check_ids(self, size: int, folder: Path) -> None:
        """Raises ValueError when an id lies outside a vocabulary of `size`; `folder` is where the ids are from."""
        for prompt in self.prompts:
            low, high = int(prompt.draw.ids.min(initial=0)), int(prompt.draw.ids.max(initial=0))
            if low < 0 or high >= size:
                raise ValueError(
                    f"{folder} holds ids from {low} to {high}, the vocabulary has {size}: they do not belong together"
                )


@dataclass(frozen=True)
class PromptStream:
    """Batches of `count` prompts in the order of the stream."""

    draws: DrawReader
    count: int

    @property
    def steps(self) -> int:
        """The batches of the whole stream; the last may hold fewer prompts."""
        return -(-len(self.draws) // self.count)

    @property
    def shortfall(self) -> str:
        """A sentence where a batch asks for more than the whole stream has; otherwise empty."""
        if len(self.draws) >= self.count:
            return ""
        return (
            f"`prompts` asks for {self.count:,} a step, and the stage has {len(self.draws):,} in all: they are one step"
        )

    def batches(self, state: StreamState) -> Iterator[PromptBatch]:
        """Every batch from `state` to the end. Raises ValueError when the state lies outside the stream, or a sample is damaged."""
        if state.draw > len(self.draws):
            raise ValueError(f"{self.draws.folder} ends at draw {len(self.draws)}; the state is at draw {state.draw}")
        prompts = self.prompts(state.draw)
        while group := tuple(islice(prompts, self.count)):
            state = StreamState(draw=group[-1].draw.position + 1, step=state.step + 1)
            tasks = tuple(sorted({prompt.draw.task for prompt in group}))
            yield PromptBatch(prompts=group, tasks=tasks, after=state)

    def prompts(self, begin: int = 0) -> Iterator[PromptSample]:
        """All prompts from draw `begin` on."""
        for draw, record in zip(self.draws.read(begin), self.draws.records(begin), strict=True):
            yield PromptSample(draw=draw, key=str(record["key"]), answer=str(record.get("answer", "")))
