"""A shard and its index: uncompressed tars that webdataset, wids and datasets read, and a row per sample beside them.

shards/pretrain/train-words~speech-0-00000-00.tar   index.parquet   wids.json
"""

from dataclasses import dataclass
from typing import Annotated

import pyarrow as pa

from weft.schemas.sample import SampleRow
from weft.schemas.tar import BLOCK


@dataclass(frozen=True, slots=True)
class IndexRow(SampleRow):
    """Row n of `index.parquet` is draw n of the stream. Offsets and lengths are bytes of the member's data in its tar."""

    shard: str
    json_offset: Annotated[int, pa.int64()]
    json_length: Annotated[int, pa.int32()]
    npy_offset: Annotated[int, pa.int64()]
    npy_length: Annotated[int, pa.int32()]

    @property
    def members(self) -> tuple[tuple[str, int, int], ...]:
        """Name, offset and length of each member."""
        return (f"{self.key}.json", self.json_offset, self.json_length), (
            f"{self.key}.npy",
            self.npy_offset,
            self.npy_length,
        )

    @property
    def span(self) -> slice:
        """The sample's bytes in its tar, both headers and the padding included: what `crc` is of."""
        return slice(self.json_offset - BLOCK, self.npy_offset + -(-self.npy_length // BLOCK) * BLOCK)

    @property
    def ids_offset(self) -> int:
        """Where the int32 ids begin: the .npy header stands before them."""
        return self.npy_offset + self.npy_length - 4 * self.tokens
