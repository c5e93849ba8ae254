"""The plan of one training stage: a row per draw, in the order of the stream, over numbered blocks.

    plan/pretrain.parquet         Draw(task=1, block=7, row=203, tokens=143, seconds=5.8)
    plan/pretrain-blocks.parquet  Block(task="words", pass_number=0, source="speech", part=3, used=998, shard=2, …)

A block is one composed part in one pass over the data. Its rows are drawn in their order, up to `used` of them.
"""

from dataclasses import dataclass
from typing import Annotated

import pyarrow as pa

from weft.schemas.fingerprint import hash64


@dataclass(frozen=True, slots=True)
class Draw:
    """One sample of the stream: `task` counts the mixture's tasks, `block` the plan's blocks, `row` the block's rows."""

    task: Annotated[int, pa.int16()]
    block: Annotated[int, pa.int32()]
    row: Annotated[int, pa.int32()]
    tokens: Annotated[int, pa.int32()]
    seconds: float


@dataclass(frozen=True, slots=True)
class Block:
    """A composed part and what the plan takes of it; `shard` numbers the tar that holds it, -1 when nothing is used."""

    task: str
    pass_number: int
    source: str
    part: int
    rows: int = 0
    used: int = 0
    shard: int = -1

    @property
    def node(self) -> str:
        return f"compose/{self.task}/pass-{self.pass_number}/{self.source}"

    def place(self, seed: int) -> int:
        """Where in its task's pass it is drawn: a number in [0, 2**64) that no other block moves."""
        return hash64(seed, self.task, self.pass_number, self.source, self.part)
