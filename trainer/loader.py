"""Reads draws off a shard folder through its index: no tar parsing, no JSON, constant memory.

    draws = Draws(Path("corpus/shards/pretrain"))
    for draw in draws.read(begin=1_000_000):   # row n of index.parquet is draw n
        draw.position, draw.task, draw.ids     # 1000000, "words", array([0, 2001, 17, …], dtype=int32)

The index is read a row group at a time and only the columns in need; the ids are views into memory-mapped tars.
"""

import hashlib
import mmap
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

OPEN_TARS = 64
_PLACES = ["shard", "tokens", "npy_offset", "npy_length"]
_LABELS = ["task", "loss"]


@dataclass(frozen=True, slots=True)
class Draw:
    """One sample of the stream: ids (n,) int32, and loss (k, 2) int32, the token bounds that count."""

    position: int
    task: str
    ids: np.ndarray
    loss: np.ndarray


class Draws:
    """The stream of one shard folder, readable from any position.

    Raises FileNotFoundError for a missing index or tar, ValueError when the index points outside a tar.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._index = pq.ParquetFile(folder / "index.parquet", memory_map=True)
        footer = self._index.metadata
        self._begins = [0, *accumulate(footer.row_group(g).num_rows for g in range(footer.num_row_groups))]
        self._tar: Callable[[str], mmap.mmap] = lru_cache(maxsize=OPEN_TARS)(self._open)

    def __len__(self) -> int:
        """How many draws the stream holds."""
        return self._begins[-1]

    def digest(self) -> str:
        """A hash of the whole index: streams with equal digests are the same stream."""
        with open(self.folder / "index.parquet", "rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()

    def read(self, begin: int = 0) -> Iterator[Draw]:
        """Draws `begin`, `begin` + 1, … to the end of the stream."""
        for first, table in self._groups(_PLACES + _LABELS, begin):
            tasks = table.column("task").to_pylist()
            loss = table.column("loss").combine_chunks()
            bounds, edges = loss.values.to_numpy(), loss.offsets.to_pylist()
            skip = max(begin - first, 0)
            for row, ids in enumerate(self._ids(first, table, skip), skip):
                yield Draw(first + row, tasks[row], ids, bounds[edges[row] : edges[row + 1]].reshape(-1, 2))

    def samples(self, begin: int = 0) -> Iterator[np.ndarray]:
        """The ids alone, (n,) int32 each: the fast path for those who need no labels."""
        for first, table in self._groups(_PLACES, begin):
            yield from self._ids(first, table, max(begin - first, 0))

    def lengths(self) -> Iterator[np.ndarray]:
        """Tokens of each draw, a row group at a time; no tar is opened."""
        for _, table in self._groups(["tokens"], 0):
            yield table.column("tokens").to_numpy()

    def _groups(self, columns: list[str], begin: int) -> Iterator[tuple[int, Any]]:
        """Row groups from the one that holds draw `begin` on, each with the number of its first draw."""
        for group in range(bisect_right(self._begins, begin) - 1, len(self._begins) - 1):
            yield self._begins[group], self._index.read_row_group(group, columns=columns)

    def _ids(self, first: int, table: Any, skip: int) -> Iterator[np.ndarray]:
        tokens = table.column("tokens").to_numpy()
        ends = table.column("npy_offset").to_numpy() + table.column("npy_length").to_numpy()
        starts = (ends - 4 * tokens).tolist()
        shards, counts, tar = table.column("shard").to_pylist(), tokens.tolist(), self._tar
        for row in range(skip, len(counts)):
            try:
                yield np.frombuffer(tar(shards[row]), np.int32, counts[row], starts[row])
            except ValueError as fault:
                place = f"{self.folder}: draw {first + row} is not where index.parquet says, in {shards[row]}"
                raise ValueError(f"{place} ({fault}); build the shards again") from fault

    def _open(self, shard: str) -> mmap.mmap:
        if Path(shard).name != shard:
            raise ValueError("a shard must be a file beside the index")
        with open(self.folder / shard, "rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
