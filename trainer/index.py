"""Reads the index of a stream a row group at a time, and checks each row before it is used.

    index = Index(Path("corpus/shards/pretrain"))
    for first, table in index.groups(["task", "tokens"]):   # row n of the table is draw `first` + n

The checks compare the columns of a row with each other. The loader compares rows with the tars.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from threading import Lock
from typing import NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from weft.schemas.sample import npy_bytes
from weft.schemas.shard import IndexRow
from weft.schemas.table import arrow_schema
from weft.schemas.tar import BLOCK

PLACES = ["shard", "tokens", "json_offset", "npy_offset", "npy_length", "flac_length", "png_length", "crc"]
LABELS = ["task", "loss", "bounds"]
MEMBERS = ["json_length", "flac_offset", "png_offset"]  # beside those of PLACES, where latents are read
REMEDY = "`weft build RECIPE --out CORPUS --verify` builds it again"
_NPY_HEADER = len(npy_bytes(()))


class Index:
    """Selected columns of `index.parquet`.

    Raises FileNotFoundError where there is none. Raises ValueError where it cannot be read, and where columns of a row contradict.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "index.parquet"
        if not self.path.is_file():
            raise FileNotFoundError(f"{self.path} is missing; `weft build RECIPE --out CORPUS` makes it")
        try:
            self._file = pq.ParquetFile(self.path, memory_map=True, page_checksum_verification=True)
        except (pa.ArrowException, OSError) as fault:
            self._unreadable(fault)
        self._check_columns()
        self._lock = Lock()
        footer = self._file.metadata
        self._first_draws = [0, *accumulate(footer.row_group(g).num_rows for g in range(footer.num_row_groups))]

    def __len__(self) -> int:
        return self._first_draws[-1]

    def checksum(self) -> str:
        """BLAKE2b of the bytes of the whole file, in hex: streams with equal checksums are the same stream."""
        with open(self.path, "rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()

    def groups(self, columns: Sequence[str], begin: int = 0) -> Iterator[tuple[int, pa.Table]]:
        """Row groups, from that of draw `begin` on, each with the number of its first draw. Raises ValueError."""
        for group in range(bisect_right(self._first_draws, begin) - 1, len(self._first_draws) - 1):
            table = self._read(group, columns)
            for needed, check, fault in _CHECKS:
                if needed <= set(columns) and not (good := check(table)).all():
                    raise ValueError(
                        f"{self.path}: draw {self._first_draws[group] + int(good.argmin())}: {fault}; {REMEDY}"
                    )
            yield self._first_draws[group], table

    def key(self, draw: int) -> str:
        """The key of the sample of draw `draw`."""
        group = bisect_right(self._first_draws, draw) - 1
        return str(self._read(group, ["key"]).column("key")[draw - self._first_draws[group]])

    def _read(self, group: int, columns: Sequence[str]) -> pa.Table:
        try:
            with self._lock:  # batches are made in one thread, and keys asked for in another
                table = self._file.read_row_group(group, columns=list(columns))
        except (pa.ArrowException, OSError) as fault:
            self._unreadable(fault)
        if empty := [name for name in columns if table.column(name).null_count]:
            raise ValueError(f"{self.path}: values are missing in the column {', '.join(empty)}; {REMEDY}")
        return table

    def _check_columns(self) -> None:
        """Raises ValueError for a missing column, and for one of another type."""
        types = {field.name: field.type for field in self._file.schema_arrow}
        if wrong := [field.name for field in arrow_schema(IndexRow) if types.get(field.name) != field.type]:
            raise ValueError(
                f"{self.path} has no column {', '.join(wrong)} as this version of weft writes it; {REMEDY}"
            )

    def _unreadable(self, fault: Exception) -> NoReturn:
        raise ValueError(f"{self.path} cannot be read ({str(fault).splitlines()[0]}); {REMEDY}") from fault


def loss_bounds(table: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """The loss bounds of all rows in one flat array, and the offset of each row in it (one more than rows)."""
    return _lists(table, "loss")


def document_bounds(table: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """The tokens at which documents begin within the samples, in one flat array, and the offset of each row in it."""
    return _lists(table, "bounds")


def _lists(table: pa.Table, name: str) -> tuple[np.ndarray, np.ndarray]:
    column = table.column(name).combine_chunks()
    return column.values.to_numpy(), column.offsets.to_numpy()


def _places_agree(table: pa.Table) -> np.ndarray:
    """Whether members begin at blocks, one after the other, and the .npy has the length of its tokens; (n,) bool."""
    json, npy, length, tokens = (
        table.column(name).to_numpy().astype(np.int64) for name in ("json_offset", "npy_offset", "npy_length", "tokens")
    )
    blocks = (json % BLOCK == 0) & (npy % BLOCK == 0) & (json >= BLOCK) & (npy >= json + BLOCK)
    return blocks & (length == _NPY_HEADER + 4 * tokens)


def _bounds_agree(table: pa.Table) -> np.ndarray:
    """Whether bounds are pairs, do not decrease, and lie within the sample; (n,) bool."""
    bounds, edges = loss_bounds(table)
    tokens = table.column("tokens").to_numpy()
    rows, before = _before(bounds, edges)
    good = np.diff(edges) % 2 == 0
    good[rows[(bounds < before) | (bounds > tokens[rows])]] = False
    return good


def _documents_agree(table: pa.Table) -> np.ndarray:
    """Whether documents begin one after the other within the sample; (n,) bool."""
    bounds, edges = document_bounds(table)
    tokens = table.column("tokens").to_numpy()
    rows, before = _before(bounds, edges)
    good = np.ones(len(tokens), bool)
    good[rows[(bounds <= before) | (bounds >= tokens[rows])]] = False
    return good


def _before(bounds: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The row of each bound, and the bound before it in that row; 0 for the first."""
    sizes = np.diff(edges)
    before = np.concatenate([[0], bounds])[:-1]
    before[edges[:-1][sizes > 0]] = 0
    return np.repeat(np.arange(len(sizes)), sizes), before


def _not_negative(table: pa.Table) -> np.ndarray:
    return table.column("tokens").to_numpy() >= 0


_CHECKS: tuple[tuple[set[str], Callable[[pa.Table], np.ndarray], str], ...] = (
    ({"tokens"}, _not_negative, "its number of tokens is negative"),
    (set(PLACES), _places_agree, "its offsets and lengths contradict each other"),
    ({"tokens", "loss"}, _bounds_agree, "its `loss` bounds do not lie within the sample"),
    ({"tokens", "bounds"}, _documents_agree, "its documents do not begin within the sample, one after the other"),
)
