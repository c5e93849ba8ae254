"""A shard and its index: uncompressed tars that webdataset, wids and datasets read, and a row per sample beside them.

shards/pretrain/train-000000.tar   index.parquet   wids.json
"""

from dataclasses import dataclass
from typing import Annotated

import pyarrow as pa

from weft.schemas.sample import SampleRow


@dataclass(frozen=True, slots=True)
class Shard:
    """One tar: `passes[i]` is the pass over the data that it was cut from."""

    path: str
    task: str
    pass_number: int
    samples: int
    tokens: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class IndexRow(SampleRow):
    """Row n of `index.parquet` is draw n of the stream. Offsets and lengths are bytes of the member's data in its tar."""

    shard: str
    json_offset: Annotated[int, pa.int64()]
    json_length: Annotated[int, pa.int32()]
    npy_offset: Annotated[int, pa.int64()]
    npy_length: Annotated[int, pa.int32()]

    @property
    def ids_offset(self) -> int:
        """Where the int32 ids begin: the .npy header stands before them."""
        return self.npy_offset + self.npy_length - 4 * self.tokens
