"""The global order of a stage's batches, and the position in it as a small JSON.

    {"draw": 48211, "offset": 0, "step": 400}     the batch of step 401 begins at token 0 of draw 48211

A batch is the next `blocks` blocks of the stream. With several ranks, rank r holds rows r, r + world, … of it. The
state is that of the whole batch, so a run resumes exactly with any number of ranks.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np

from weft.trainer.latents import Placed
from weft.trainer.loader import DrawReader
from weft.trainer.packing import PADDING, Block, Packed, count_blocks, lay_out, pack


@dataclass(frozen=True, slots=True)
class StreamState:
    """The beginning of the next batch, after `step` batches: token `offset` of draw `draw`."""

    draw: int = 0
    offset: int = 0
    step: int = 0

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "StreamState":
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True)
class Batch:
    """This rank's rows of one global batch, and figures of the whole batch.

    Arrays are (B, T): ids, positions, documents and labels int32; the loss mask is bool and True for tokens that count in the loss.
    `counted` is their number in the whole batch. `labels` number the task of each token in `tasks` (sorted; the whole batch's), -1 for
    padding. `latents` are those of each row. B can be 0 on a rank when the last batch of a stream is small. `after` is the state to
    resume from. `figures` (B, …) are what the objective has to know of each row, or of each token, by name.
    """

    ids_BT: np.ndarray
    positions_BT: np.ndarray
    documents_BT: np.ndarray
    loss_mask_BT: np.ndarray
    labels_BT: np.ndarray
    tasks: tuple[str, ...]
    counted: int
    after: StreamState
    latents: tuple[tuple[Placed, ...], ...] = ()
    figures: Mapping[str, np.ndarray] = field(default_factory=dict)

    def check_ids(self, size: int, folder: Path) -> None:
        """Raises ValueError when an id lies outside a vocabulary of `size`; `folder` is where the ids are from."""
        low, high = int(self.ids_BT.min(initial=0)), int(self.ids_BT.max(initial=0))
        if low < 0 or high >= size:
            raise ValueError(
                f"{folder} holds ids from {low} to {high}, the vocabulary has {size}: they do not belong together"
            )


@dataclass(frozen=True)
class BatchStream:
    """Batches of `blocks` blocks of `context` tokens, of which this rank sees every `world`-th row."""

    draws: DrawReader
    context: int
    blocks: int
    rank: int = 0
    world: int = 1

    @cached_property
    def steps(self) -> int:
        """The batches of the whole stream; the last may hold fewer blocks."""
        return -(-count_blocks(self.draws.lengths(), self.context) // self.blocks)

    @property
    def shortfall(self) -> str:
        """A sentence where a batch asks for more than the whole stream has; otherwise empty."""
        held = count_blocks(self.draws.lengths(), self.context)
        if held >= self.blocks:
            return ""
        asked, all_of_it = self.blocks * self.context, held * self.context
        return f"`batch_tokens` asks for {asked:,} a step, and the stage has blocks of {all_of_it:,} in all: they are one step"

    def batches(self, state: StreamState) -> Iterator[Batch]:
        """Every batch from `state` to the end of the stream; the last may hold fewer blocks.

        Raises ValueError when the state lies outside the stream.
        """
        if state.draw > len(self.draws):
            raise ValueError(f"{self.draws.folder} ends at draw {len(self.draws)}; the state is at draw {state.draw}")
        blocks = pack(self.draws.read(state.draw), self.context, state.offset)
        while group := list(islice(blocks, self.blocks)):
            state = StreamState(draw=group[-1].draw, offset=group[-1].offset, step=state.step + 1)
            yield batch_of(group, self.context, state, slice(self.rank, None, self.world))


def batch_of(blocks: Sequence[Block], context: int, after: StreamState, rows: slice = slice(None)) -> Batch:
    """The batch of `blocks`, of which this rank holds `rows`."""
    packed = [lay_out(block, context) for block in blocks[rows]]
    tasks = tuple(sorted({piece.draw.task for block in blocks for piece in block.pieces}))

    def stack(arrays: list[np.ndarray], dtype: type) -> np.ndarray:
        return np.stack(arrays) if arrays else np.zeros((0, context), dtype)

    return Batch(
        ids_BT=stack([p.ids for p in packed], np.int32),
        positions_BT=stack([p.positions for p in packed], np.int32),
        documents_BT=stack([p.documents for p in packed], np.int32),
        loss_mask_BT=stack([p.loss_mask for p in packed], np.bool_),
        labels_BT=stack([_labels(p, tasks) for p in packed], np.int32),
        tasks=tasks,
        counted=sum(block.counted for block in blocks),
        after=after,
        latents=tuple(p.latents for p in packed),
    )


def _labels(packed: Packed, tasks: tuple[str, ...]) -> np.ndarray:
    # padding is document -1, so it indexes the last label, which is that of padding
    numbers = np.array([*(tasks.index(task) for task in packed.tasks), PADDING], np.int32)
    return numbers[packed.documents]
