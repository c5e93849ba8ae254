"""Shards: composed samples as tars, with an index row for each, and the index of the whole stage in stream order.

    shards/pretrain/train-000000.tar  …  index.parquet  wids.json
    shards/pretrain/.index/train-000000.parquet        the tar's own rows, with its fingerprint

A tar holds blocks of one task's pass in their drawing order; the index weaves the tasks together. So an edit rewrites
only the tars that hold it, and the loader reads each tar from front to back.
"""

import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, groupby

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from weft.pipelines.mixing.plan import plan_names
from weft.pipelines.parts import Stamp, part_name, read_part, read_table, stamp_of, write_table
from weft.pipelines.store import Store
from weft.schemas import tar
from weft.schemas.plan import Block
from weft.schemas.sample import SampleRow
from weft.schemas.shard import IndexRow, Shard
from weft.schemas.table import arrow_schema

ROWS = 10_000  # index rows a row group


def rows_name(tar_path: str) -> str:
    """Where the rows of the tar at `tar_path` lie."""
    folder, _, name = tar_path.rpartition("/")
    return f"{folder}/.index/{name.removesuffix('.tar')}.parquet"


def index_name(stage: str) -> str:
    return f"shards/{stage}/index.parquet"


def wids_name(stage: str) -> str:
    return f"shards/{stage}/wids.json"


def shards_of(stage: str, blocks: Sequence[Block]) -> list[Shard]:
    """The tars of a planned stage."""
    used = [b for b in blocks if b.used]
    return [Shard(stage, number, tuple(group)) for number, group in groupby(used, key=lambda b: b.shard)]


def write_shard(store: Store, shard: Shard, fingerprint: str) -> int:
    """Writes one tar and its rows; returns its samples. Old rows go first: they must not speak for the new tar."""
    store.remove(rows_name(shard.path))
    rows: list[pa.Table] = []
    size = 0
    with store.writing(shard.path) as file, ThreadPoolExecutor(1) as disk:
        for block in shard.blocks:
            table = read_table(store, part_name(block.node, block.part)).slice(0, block.used)
            rows.append(_placed(table, shard, size))
            size += sum(file.write(data) for data in _contents(table["members"]))
            disk.submit(os.fsync, file.fileno())  # it writes while the next block is read
        size += file.write(tar.END)
    # the fingerprint names all that the rows are made of, so it is their digest too
    write_table(store, rows_name(shard.path), pa.concat_tables(rows), Stamp(fingerprint, f"{size} {fingerprint}"))
    return shard.samples


def shard_done(store: Store, shard: Shard, fingerprint: str) -> bool:
    stamp = stamp_of(store, rows_name(shard.path))
    if stamp is None or stamp.fingerprint != fingerprint or not store.exists(shard.path):
        return False
    return store.size(shard.path) == int(stamp.digest.split()[0])


def _contents(column: pa.ChunkedArray) -> Iterator[memoryview]:
    """The bytes of a column of binaries, one after another, as they lie in memory."""
    for chunk in column.chunks:
        _, offsets, data = chunk.buffers()
        bounds = np.frombuffer(offsets, np.int64)[chunk.offset : chunk.offset + len(chunk) + 1]
        yield memoryview(data)[bounds[0] : bounds[-1]]


def _placed(table: pa.Table, shard: Shard, position: int) -> pa.Table:
    """The index rows of samples written one after another from byte `position` on."""
    json_length, npy_length = (table[n].to_numpy().astype(np.int64) for n in ("json_length", "npy_length"))
    json_whole, npy_whole = (tar.BLOCK + -(-n // tar.BLOCK) * tar.BLOCK for n in (json_length, npy_length))
    begins = position + np.concatenate([[0], np.cumsum(json_whole + npy_whole)[:-1]])
    json_offset, npy_offset = begins + tar.BLOCK, begins + json_whole + tar.BLOCK
    known = [table[name] for name in arrow_schema(SampleRow).names]
    placed = [pa.array(c) for c in ([shard.name] * len(table), json_offset, json_length, npy_offset, npy_length)]
    schema = arrow_schema(IndexRow)
    return pa.Table.from_arrays([c.cast(f.type) for c, f in zip([*known, *placed], schema, strict=True)], schema=schema)


def write_index(store: Store, stage: str, fingerprint: str) -> int:
    """Weaves the tars' rows into the stream's order; returns the number of draws. Memory stays that of a few chunks."""
    draws_name, blocks_name = plan_names(stage)
    blocks = read_part(store, blocks_name, Block)
    shards = shards_of(stage, blocks)
    tasks = list(dict.fromkeys(block.task for block in blocks))
    streams = [_Rows(store, [rows_name(shard.path) for shard in shards if shard.task == task]) for task in tasks]
    task_of = np.asarray([tasks.index(block.task) for block in blocks])
    schema = arrow_schema(IndexRow).with_metadata({"weft.fingerprint": fingerprint, "weft.digest": fingerprint})
    total = 0
    with (
        store.open(draws_name) as draws,
        store.writing(index_name(stage)) as file,
        pq.ParquetWriter(file, schema, compression="zstd") as writer,
    ):
        for batch in pq.ParquetFile(draws).iter_batches(ROWS, columns=["block"]):
            chosen = task_of[batch.column(0).to_numpy()]
            places = [np.flatnonzero(chosen == task) for task in range(len(tasks))]
            rows = pa.concat_tables([s.take(len(p)) for s, p in zip(streams, places, strict=True)])
            order = np.argsort(np.concatenate(places))
            writer.write_table(rows.take(order).cast(schema), row_group_size=ROWS)
            total += len(chosen)
    _write_wids(store, stage, shards)
    return total


class _Rows:
    """Index rows of one task's tars, in order, taken a few at a time."""

    def __init__(self, store: Store, names: Sequence[str]) -> None:
        self._tables = chain.from_iterable(self._read(store, name) for name in names)
        self._left = arrow_schema(IndexRow).empty_table()

    @staticmethod
    def _read(store: Store, name: str) -> Iterator[pa.Table]:
        with store.open(name) as file:
            for batch in pq.ParquetFile(file).iter_batches(ROWS):
                yield pa.Table.from_batches([batch]).replace_schema_metadata(None)

    def take(self, count: int) -> pa.Table:
        while len(self._left) < count:
            self._left = pa.concat_tables([self._left, next(self._tables)])
        taken, self._left = self._left.slice(0, count), self._left.slice(count)
        return taken


def _write_wids(store: Store, stage: str, shards: Sequence[Shard]) -> None:
    """The shard list that wids reads."""
    listed = [{"url": s.name, "nsamples": s.samples, "filesize": store.size(s.path)} for s in shards]
    spec = {"__kind__": "wids-shard-index-v1", "wids_version": 1, "shardlist": listed}
    store.write(wids_name(stage), (json.dumps(spec, indent=1) + "\n").encode())
