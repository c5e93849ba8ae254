"""Shards: the samples of a leaf as tars, with an index row for each.

    shards/pretrain/train-words~speech-0-00003-00.tar             task, leaf, pass, group of parts, bucket of the group
    shards/pretrain/.index/train-words~speech-0-00003-00.parquet  the tar's own rows, with its fingerprint
    shards/pretrain/flac/train-asr~speech-0-00003-00.tar          samples with KEY.flac too: a folder has samples of one set of members

A tar holds samples of one leaf in that leaf's own order; which leaf comes next lies in the index alone. So an edit rewrites only the
tars that hold it, and the loader reads each tar from front to back.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.pipelines.mixing.order import Order
from weft.pipelines.mixing.plan_files import rows_of
from weft.pipelines.mixing.repeats import with_repeats
from weft.pipelines.parts.slices import read_slices
from weft.pipelines.parts.tables import footer_of, part_name, write_table
from weft.pipelines.storage.footer import Footer
from weft.pipelines.storage.store import Store
from weft.schemas import tar
from weft.schemas.fingerprint import digest
from weft.schemas.plan import Tar
from weft.schemas.sample import SampleRow, ShardSample
from weft.schemas.shard import IndexRow
from weft.schemas.table import arrow_schema

VERSION = "tar-7"


def tar_name(stage: str, planned: Tar) -> str:
    """Where a planned tar lies in the corpus."""
    return f"shards/{stage}/{planned.name}"


def rows_name(tar_path: str) -> str:
    """Where the rows of the tar at `tar_path` lie."""
    folder, _, name = tar_path.rpartition("/")
    return f"{folder}/.index/{name.removesuffix('.tar')}.parquet"


def index_name(stage: str) -> str:
    return f"shards/{stage}/index.parquet"


def wids_name(stage: str) -> str:
    return f"shards/{stage}/wids.json"


@dataclass(frozen=True, eq=False)
class TarContents:
    """A tar's samples in their order: part, row, which repeat of its key it is, bytes and their digest of each; all [samples]."""

    part: NDArray[np.int32]
    row: NDArray[np.int32]
    repeat: NDArray[np.int32]
    bytes: NDArray[np.int64]
    digests: NDArray[np.int64]

    @property
    def begins(self) -> NDArray[np.int64]:
        """Where each sample begins in the tar, in bytes."""
        return np.cumsum(self.bytes) - self.bytes

    @property
    def size(self) -> int:
        """The whole tar, in bytes."""
        return int(self.bytes.sum()) + len(tar.END)

    @property
    def fingerprint(self) -> str:
        """Of the samples, whichever parts they lie in."""
        return digest([VERSION, digest_of_samples(self.digests)])


def digest_of_samples(digests: NDArray[np.int64]) -> str:
    return digest(digests.astype("<i8").tobytes().hex())


def contents_of(store: Store, stage: str, planned: Tar) -> TarContents:
    """The contents of a planned tar."""
    order = Order(store, planned.node)
    table = order.group(planned.group, ["part", "row", "repeat", "bytes", "digest"])
    table = table.take(rows_of(store, stage, planned) - order.begins()[planned.group])
    part, row, repeat, size, digests = (table[name].to_numpy() for name in ("part", "row", "repeat", "bytes", "digest"))
    return TarContents(part=part, row=row, repeat=repeat, bytes=size.astype(np.int64), digests=digests)


def made_from(planned: Tar, contents: TarContents) -> dict[str, str]:
    """What a tar is made from, by name: its samples, whichever parts they lie in."""
    return {"version": VERSION, f"input {planned.node}": digest_of_samples(contents.digests)}


def write_shard(store: Store, stage: str, planned: Tar) -> int:
    """Writes one tar and its rows; returns its samples. Old rows are removed first, so that they never describe the new tar.

    Parts are read a slice at a time and their samples written to their places, so memory is that of a slice.
    """
    path = tar_name(stage, planned)
    store.remove(rows_name(path))
    contents = contents_of(store, stage, planned)
    rows: list[pa.Table] = []
    places: list[NDArray[np.int64]] = []
    with store.writing(path) as file:
        os.truncate(file.fileno(), contents.size)  # the zeros at its end are the end of a tar
        for where, table in _slices(store, planned.node, contents):
            _write_samples(file.fileno(), table["members"], contents.begins[where])
            rows.append(_placed(table, planned.name, contents.begins[where]))
            places.append(where)
    ordered = pa.concat_tables(rows).take(np.argsort(np.concatenate(places)))
    # the rows depend on nothing but the fingerprint's inputs, so it serves as their digest too
    notes = {"made_from": json.dumps(made_from(planned, contents))}
    footer = Footer(contents.fingerprint, f"{contents.size} {contents.fingerprint}", notes)
    write_table(store, rows_name(path), ordered, footer)
    return planned.samples


def _slices(store: Store, node: str, contents: TarContents) -> Iterator[tuple[NDArray[np.int64], pa.Table]]:
    """The samples of a tar, as many at a time as a slice of a part has; first where they come in the tar."""
    names = arrow_schema(ShardSample).names
    for part in np.unique(contents.part).tolist():
        for first, table in read_slices(store, part_name(node, part), names):
            where = np.flatnonzero(
                (contents.part == part) & (first <= contents.row) & (contents.row < first + len(table))
            )
            if len(where):
                yield where, with_repeats(table.take(contents.row[where] - first), contents.repeat[where])


def shard_done(store: Store, stage: str, planned: Tar) -> bool:
    path = tar_name(stage, planned)
    footer = footer_of(store, rows_name(path))
    if footer is None or not store.exists(path) or store.size(path) != int(footer.digest.split()[0]):
        return False
    return footer.fingerprint == contents_of(store, stage, planned).fingerprint


def _write_samples(handle: int, members: pa.ChunkedArray, begins: NDArray[np.int64]) -> None:
    column = members.combine_chunks()
    column = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
    _, offsets, data = column.buffers()
    bounds = np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1].tolist()
    view = memoryview(data)
    for n, begin in enumerate(begins.tolist()):
        os.pwrite(handle, view[bounds[n] : bounds[n + 1]], begin)


def _placed(table: pa.Table, name: str, begins: NDArray[np.int64]) -> pa.Table:
    """The index rows of the samples that begin at byte offsets `begins` of the tar `name`."""
    placed, begin = [pa.array([name] * len(table))], begins
    for ending in tar.MEMBERS:
        length = table[f"{ending}_length"].to_numpy().astype(np.int64)
        placed += [pa.array((begin + tar.BLOCK) * (length > 0)), pa.array(length)]
        begin = begin + tar.space(length)
    row_columns = [table[column] for column in arrow_schema(SampleRow).names]
    schema = arrow_schema(IndexRow)
    return pa.Table.from_arrays(
        [c.cast(f.type) for c, f in zip([*row_columns, *placed], schema, strict=True)], schema=schema
    )
