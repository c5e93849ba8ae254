"""The held-out samples that every stage is evaluated on: the same for all, so that their figures can be compared.

    held_out = choose(Path("corpus/shards/validation"), HeldOutChoice(tasks=("text", "words"), samples=256, context=512))

They are the first `samples` draws of each task of the recipe, in blocks of the smallest context of its stages: no block is longer than
what a stage was trained on. Prompts, of which no token counts, and preference pairs, which hold rejected answers, are left out: pairs
are a choice of their own, in blocks that cut none.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from weft.schemas.fingerprint import digest
from weft.trainer.evaluation.seconds import token_seconds
from weft.trainer.index import Index
from weft.trainer.loader import Draw, DrawReader, OpenTar, mapped
from weft.trainer.packing import Block, pack
from weft.trainer.stream import Batch, StreamState, batch_of


@dataclass(frozen=True)
class HeldOutChoice:
    """Which held-out samples, and how they are packed: `samples` of each task at most, blocks of `context` tokens; preference pairs
    alone, or all but these.
    """

    tasks: tuple[str, ...]
    samples: int
    context: int
    pairs: bool = False


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Draws of a folder of shards, `tokens` in all. They are read anew by each measurement, so none stays in memory."""

    reader: DrawReader
    positions: Sequence[int]
    context: int
    tokens: int

    @property
    def fingerprint(self) -> str:
        """That of the samples and of how they are packed."""
        return digest([self.reader.checksum(), list(self.positions), self.context])

    def batches(self, tokens: int) -> Iterator[tuple[Batch, np.ndarray]]:
        """Batches of about `tokens` tokens, each with the seconds of speech that its tokens stand for, (B, T) float64."""
        seconds: dict[int, np.ndarray] = {}  # by draw
        blocks = pack(self._draws(seconds), self.context)
        while group := list(islice(blocks, max(1, tokens // self.context))):
            yield batch_of(group, self.context, StreamState()), _laid_out(group, seconds, self.context)

    def _draws(self, seconds: dict[int, np.ndarray]) -> Iterator[Draw]:
        """Each draw, with its seconds put into `seconds`."""
        records = self.reader.records_of(self.positions)
        for draw, record in zip(self.reader.pick(self.positions), records, strict=True):
            seconds[draw.position] = token_seconds(record, len(draw.ids))
            yield draw


def _laid_out(blocks: Sequence[Block], seconds: Mapping[int, np.ndarray], context: int) -> np.ndarray:
    """The seconds of the tokens of blocks, (B, T), 0 in the padding."""
    seconds_BT = np.zeros((len(blocks), context))
    for row_T, block in zip(seconds_BT, blocks, strict=True):
        parts = [seconds[piece.draw.position][piece.begin : piece.end] for piece in block.pieces]
        row_T[: sum(map(len, parts))] = np.concatenate(parts)
    return seconds_BT


def choose(folder: Path, choice: HeldOutChoice, open_tar: OpenTar = mapped) -> HeldOut | None:
    """The chosen samples of a folder of held-out shards; None where there are none. Raises ValueError for a damaged index."""
    reader = DrawReader(folder, open_tar=open_tar)
    chosen = dict(_chosen(reader.index, choice))
    if not chosen:
        return None
    return HeldOut(reader=reader, positions=tuple(chosen), context=choice.context, tokens=sum(chosen.values()))


def _chosen(index: Index, choice: HeldOutChoice) -> Iterator[tuple[int, int]]:
    """The position and the tokens of the first samples of each task that have counted tokens."""
    left = dict.fromkeys(choice.tasks, choice.samples)
    for first, table in index.groups(["task", "tokens", "loss", "bounds"]):
        columns = (table["task"].to_pylist(), table["tokens"].to_pylist(), _fits(table, choice.pairs).to_pylist())
        for position, (task, tokens, fits) in enumerate(zip(*columns, strict=True), first):
            if fits and left.get(task):
                left[task] -= 1
                yield position, tokens
        if not any(left.values()):
            return


def _fits(table: pa.Table, pairs: bool) -> pa.ChunkedArray:
    """Whether a sample has counted tokens and is one document, or a pair of them."""
    counted, later_documents = (pc.list_value_length(table[name]) for name in ("loss", "bounds"))
    return pc.and_(pc.greater(counted, 0), pc.equal(later_documents, int(pairs)))
