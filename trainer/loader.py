"""Reads the draws of a shard folder through its index: no tar parsing, no JSON, constant memory.

    draws = DrawReader(Path("corpus/shards/pretrain"))
    for draw in draws.read(begin=1_000_000):   # row n of index.parquet is draw n
        draw.position, draw.task, draw.ids     # 1000000, "words", array([0, 2001, 17, …], dtype=int32)

Only the needed columns of the index are read, a row group at a time; the ids are views into memory-mapped tars. For remote tars
`open_tar` reads the bytes, and `folder` holds only the index. Each sample's bytes are compared with the CRC-32 of its row before
they are returned.
"""

import json
import mmap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn, Protocol
from zlib import crc32

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from soundfile import LibsndfileError

from weft.schemas.tar import BLOCK, space
from weft.schemas.vocabulary import Modality
from weft.trainer.index import LABELS, MEMBERS, PLACES, REMEDY, Index, document_bounds, loss_bounds
from weft.trainer.latents import LatentSpan, stretches_of

_MEMBERS = ["shard", "json_offset", "flac_length", "png_length", *MEMBERS]
_RECORDS = ["shard", "json_offset", "json_length", "key"]
OPEN_TARS = 64  # tars that are kept open


class TarBytes(Protocol):
    """The bytes of a tar: `len(tar)`, `tar[begin:end]`."""

    def __len__(self) -> int: ...
    def __getitem__(self, part: slice, /) -> bytes | memoryview: ...


Prepare = Callable[[Modality, np.ndarray], Any]  # what an encoder takes instead of samples or pixels
OpenTar = Callable[[Path], TarBytes]  # raises FileNotFoundError, and ValueError for a file that cannot be read as one


def as_they_are(_: Modality, member: np.ndarray) -> np.ndarray:
    """Samples and pixels themselves."""
    return member


def mapped(path: Path) -> memoryview:
    """A tar on disk, mapped into memory."""
    with open(path, "rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


@dataclass(frozen=True, slots=True)
class Draw:
    """One sample of the stream: ids (n,) int32, and loss (k, 2) int32, the token bounds that count.

    bounds (m,) int32 are the tokens at which its documents begin after the first. `stretches` are its latent audio and images, decoded.
    """

    position: int
    task: str
    ids: np.ndarray
    loss: np.ndarray
    bounds: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
    stretches: tuple[LatentSpan, ...] = ()


class DrawReader:
    """The stream of one shard folder, readable from any position. Only benchmarks turn `check` off.

    Latent audio and images are what `prepare` makes of them.

    Raises FileNotFoundError for a missing index, ValueError when a sample does not match its row.
    """

    def __init__(
        self, folder: Path, check: bool = True, open_tar: OpenTar = mapped, prepare: Prepare = as_they_are
    ) -> None:
        self.folder, self.index = folder, Index(folder)
        self._check, self._open_tar, self._prepare = check, open_tar, prepare
        self._tar = lru_cache(maxsize=OPEN_TARS)(self._open)

    def __len__(self) -> int:
        """The number of draws in the stream."""
        return len(self.index)

    def checksum(self) -> str:
        """BLAKE2b of the whole index, in hex: streams with equal digests are the same stream."""
        return self.index.checksum()

    def read(self, begin: int = 0) -> Iterator[Draw]:
        """Draws `begin`, `begin` + 1, … to the end of the stream."""
        for first, table in self.index.groups(PLACES + LABELS + MEMBERS, begin):
            yield from self._draws(first, table, range(max(begin - first, 0), len(table)))

    def pick(self, positions: Sequence[int]) -> Iterator[Draw]:
        """The draws at `positions`, which must increase."""
        left = list(positions)
        while left:
            first, table = next(self.index.groups(PLACES + LABELS + MEMBERS, left[0]))
            here = [position - first for position in left if position < first + len(table)]
            yield from self._draws(first, table, here)
            left = left[len(here) :]

    def records(self, begin: int = 0) -> Iterator[dict[str, Any]]:
        """The KEY.json of draws `begin`, `begin` + 1, … to the end. Raises ValueError for one that cannot be read."""
        for first, table in self.index.groups(_RECORDS, begin):
            for position, row in enumerate(table.slice(max(begin - first, 0)).to_pylist(), max(begin, first)):
                yield self._record(position, row)

    def records_of(self, positions: Sequence[int]) -> Iterator[dict[str, Any]]:
        """The KEY.json of the draws at `positions`, which must increase. Raises ValueError for one that cannot be read."""
        left = list(positions)
        while left:
            first, table = next(self.index.groups(_RECORDS, left[0]))
            here = [position for position in left if position < first + len(table)]
            for position, row in zip(here, table.take([at - first for at in here]).to_pylist(), strict=True):
                yield self._record(position, row)
            left = left[len(here) :]

    def _record(self, draw: int, row: dict[str, Any]) -> dict[str, Any]:
        tar = self._tar_of(row["shard"], draw)
        try:
            record = json.loads(bytes(tar[row["json_offset"] : row["json_offset"] + row["json_length"]]))
            return {"key": row["key"], **record}
        except (TypeError, ValueError) as fault:
            self._refuse(draw, f"has a KEY.json that cannot be read: {fault}")

    def samples(self, begin: int = 0) -> Iterator[np.ndarray]:
        """The ids alone, (n,) int32 each: faster, where no labels are needed."""
        for first, table in self.index.groups(PLACES, begin):
            yield from self._ids(first, table, range(max(begin - first, 0), len(table)))

    def lengths(self) -> Iterator[np.ndarray]:
        """The numbers of tokens of the draws, (n,), a row group at a time; no tar is opened."""
        for _, table in self.index.groups(["tokens"]):
            yield table.column("tokens").to_numpy()

    def _draws(self, first: int, table: pa.Table, rows: Sequence[int]) -> Iterator[Draw]:
        tasks = table.column("task").to_pylist()
        bounds, edges = loss_bounds(table)
        edges = edges.tolist()
        documents, begins = document_bounds(table)
        begins = begins.tolist()
        latent = pc.any(pc.greater(pc.add(table["flac_length"], table["png_length"]), 0)).as_py()
        members = table.select(_MEMBERS).to_pylist() if latent else []
        for row, ids in zip(rows, self._ids(first, table, rows), strict=True):
            loss = bounds[edges[row] : edges[row + 1]].reshape(-1, 2)
            inner = documents[begins[row] : begins[row + 1]]
            stretches = self._stretches(first + row, members[row]) if members else ()
            yield Draw(position=first + row, task=tasks[row], ids=ids, loss=loss, bounds=inner, stretches=stretches)

    def _stretches(self, draw: int, row: dict[str, Any]) -> tuple[LatentSpan, ...]:
        """Reads and decodes the members of a sample with latents."""
        if not row["flac_length"] + row["png_length"]:
            return ()
        tar = self._tar_of(row["shard"], draw)
        parts = (
            tar[row[f"{name}_offset"] : row[f"{name}_offset"] + row[f"{name}_length"]]
            for name in ("json", "flac", "png")
        )
        try:
            stretches = stretches_of(*map(bytes, parts))
            return tuple(replace(s, member=self._prepare(s.modality, s.member)) for s in stretches)
        except (ValueError, KeyError, OSError, LibsndfileError) as fault:
            self._refuse(draw, f"has members that cannot be used: {fault}")

    def _ids(self, first: int, table: pa.Table, rows: Sequence[int]) -> Iterator[np.ndarray]:
        begins, starts, ends = (column.tolist() for column in _spans(table))
        shards, counts, checksums = (table.column(name).to_pylist() for name in ("shard", "tokens", "crc"))
        for row in rows:
            tar = self._tar_of(shards[row], first + row)
            if ends[row] > len(tar):
                self._refuse(first + row, f"is beyond the end of {shards[row]}, unlike in index.parquet")
            sample = tar[begins[row] : ends[row]]
            if self._check and crc32(sample) != checksums[row]:
                self._refuse(first + row, f"is damaged: its bytes in {shards[row]} have another checksum")
            yield np.frombuffer(sample, np.int32, counts[row], starts[row] - begins[row])

    def _tar_of(self, shard: str, draw: int) -> TarBytes:
        try:
            return self._tar(shard)
        except (ValueError, FileNotFoundError) as fault:
            self._refuse(draw, f"cannot be read: {shard} cannot be opened ({fault})")

    def _refuse(self, draw: int, fault: str) -> NoReturn:
        raise ValueError(f"{self.folder}: draw {draw}, sample {self.index.key(draw)}, {fault}; {REMEDY}")

    def _open(self, shard: str) -> TarBytes:
        if len(Path(shard).parts) > 2 or Path(shard).is_absolute() or ".." in shard:
            raise ValueError("a shard must be a file beside the index, or in a folder there")
        return self._open_tar(self.folder / shard)


def _spans(table: pa.Table) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Byte offsets of each sample in its tar, (n,) int64: its first header, its ids, the end of its padding."""
    npy, length, tokens, flac, png = (
        table.column(name).to_numpy().astype(np.int64)
        for name in ("npy_offset", "npy_length", "tokens", "flac_length", "png_length")
    )
    end = npy - BLOCK + sum(map(space, (length, flac, png)))
    return table.column("json_offset").to_numpy() - BLOCK, npy + length - 4 * tokens, end
