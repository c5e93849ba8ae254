"""A shard and its index: uncompressed tars that webdataset, wids and datasets read, and a row per sample beside them.

shards/pretrain/train-words~speech-0-00000-00.tar   index.parquet   wids.json
"""

from dataclasses import dataclass
from typing import Annotated

import pyarrow as pa

from weft.schemas.sample import SampleRow
from weft.schemas.tar import BLOCK, MEMBERS, space


@dataclass(frozen=True, slots=True)
class IndexRow(SampleRow):
    """Row n of `index.parquet` is draw n of the stream. Offsets and lengths are bytes of the member's data in its tar; 0, 0: none.

    `shard` is the tar below the folder of the stage: `train-words~speech-0-00000-00.tar`, or where samples have other members too, in a
    folder that these name, `flac/train-asr~speech-0-00000-00.tar`.
    """

    shard: str
    json_offset: Annotated[int, pa.int64()]
    json_length: Annotated[int, pa.int32()]
    npy_offset: Annotated[int, pa.int64()]
    npy_length: Annotated[int, pa.int32()]
    flac_offset: Annotated[int, pa.int64()]
    flac_length: Annotated[int, pa.int32()]
    png_offset: Annotated[int, pa.int64()]
    png_length: Annotated[int, pa.int32()]

    @property
    def members(self) -> tuple[tuple[str, int, int], ...]:
        """Name, offset and length of each member that it has."""
        places = ((e, getattr(self, f"{e}_offset"), getattr(self, f"{e}_length")) for e in MEMBERS)
        return tuple((f"{self.key}.{ending}", offset, length) for ending, offset, length in places if length)

    @property
    def span(self) -> slice:
        """The sample's bytes in its tar, headers and padding included: what `crc` is of."""
        _, offset, length = self.members[-1]
        return slice(self.json_offset - BLOCK, offset - BLOCK + space(length))

    @property
    def ids_offset(self) -> int:
        """Where the int32 ids begin: the .npy header stands before them."""
        return self.npy_offset + self.npy_length - 4 * self.tokens
