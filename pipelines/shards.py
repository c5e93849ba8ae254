"""Shards: composed samples as tars, with an index row for each, and the index of the whole stage in stream order.

    shards/pretrain/train-000000.tar  …  index.parquet  wids.json
    shards/pretrain/.index/train-000000.parquet        the tar's own rows, with its fingerprint

A tar holds blocks of one task's pass in their drawing order; the index weaves the tasks together. So an edit rewrites
only the tars that hold it, and the loader reads each tar from front to back.
"""

import json
import zlib
from collections.abc import Iterator, Sequence
from itertools import chain, groupby

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from weft.pipelines import tar
from weft.pipelines.parts import Stamp, part_name, read_part, read_table, stamp_of, table_digest, write_table
from weft.pipelines.plan import plan_names
from weft.pipelines.store import Store
from weft.schemas.plan import Block
from weft.schemas.sample import SampleRow
from weft.schemas.shard import IndexRow
from weft.schemas.table import arrow_schema

ROWS = 10_000  # index rows a row group


def tar_name(stage: str, shard: int) -> str:
    return f"shards/{stage}/train-{shard:06d}.tar"


def rows_name(stage: str, shard: int) -> str:
    return f"shards/{stage}/.index/train-{shard:06d}.parquet"


def index_name(stage: str) -> str:
    return f"shards/{stage}/index.parquet"


def shards_of(blocks: Sequence[Block]) -> list[tuple[int, tuple[Block, ...]]]:
    """Each tar's number and its blocks, in drawing order."""
    used = [b for b in blocks if b.used]
    return [(shard, tuple(group)) for shard, group in groupby(used, key=lambda b: b.shard)]


def write_shard(store: Store, stage: str, shard: int, blocks: Sequence[Block], fingerprint: str) -> int:
    """Writes one tar and its rows; returns its samples. Old rows go first: they must not speak for the new tar."""
    store.remove(rows_name(stage, shard))
    rows: list[pa.Table] = []
    position, checksum = 0, 0
    with store.writing(tar_name(stage, shard)) as file:
        for block in blocks:
            table = read_table(store, part_name(block.node, block.part)).slice(0, block.used)
            data = b"".join(_members(table))
            rows.append(_placed(table, tar_name(stage, shard).rsplit("/", 1)[-1], position))
            position += file.write(data)
            checksum = zlib.crc32(data, checksum)
        file.write(tar.END)
    table = pa.concat_tables(rows)
    mark = f"{position + len(tar.END)} {zlib.crc32(tar.END, checksum):08x}"
    write_table(store, rows_name(stage, shard), table, Stamp(fingerprint, f"{mark} {table_digest(table)}"))
    return len(table)


def shard_done(store: Store, stage: str, shard: int, fingerprint: str) -> bool:
    stamp = stamp_of(store, rows_name(stage, shard))
    if stamp is None or stamp.fingerprint != fingerprint or not store.exists(tar_name(stage, shard)):
        return False
    return store.size(tar_name(stage, shard)) == int(stamp.digest.split()[0])


def _members(table: pa.Table) -> Iterator[bytes]:
    keys = table["key"].to_pylist()
    for key, text, ids in zip(keys, table["json"].to_pylist(), table["npy"].to_pylist(), strict=True):
        name = key.encode("ascii")
        yield tar.header(name + b".json", len(text))
        yield text
        yield tar.padding(len(text))
        yield tar.header(name + b".npy", len(ids))
        yield ids
        yield tar.padding(len(ids))


def _placed(table: pa.Table, shard: str, position: int) -> pa.Table:
    """The index rows of samples written one after another from byte `position` on."""
    lengths = [pc.binary_length(table[m]).to_numpy().astype(np.int64) for m in ("json", "npy")]
    whole = [tar.BLOCK + -(-n // tar.BLOCK) * tar.BLOCK for n in lengths]
    begins = position + np.concatenate([[0], np.cumsum(whole[0] + whole[1])[:-1]])
    json_offset = begins + tar.BLOCK
    columns = [table[name] for name in arrow_schema(SampleRow).names]
    placed = [pa.array([shard] * len(table)), json_offset, lengths[0], begins + whole[0] + tar.BLOCK, lengths[1]]
    schema = arrow_schema(IndexRow)
    arrays = [pa.array(c) if isinstance(c, np.ndarray) else c for c in (*columns, *placed)]
    return pa.Table.from_arrays([a.cast(f.type) for a, f in zip(arrays, schema, strict=True)], schema=schema)


def write_index(store: Store, stage: str, fingerprint: str) -> int:
    """Weaves the tars' rows into the stream's order; returns the number of draws. Memory stays that of a few chunks."""
    draws_name, blocks_name = plan_names(stage)
    blocks = read_part(store, blocks_name, Block)
    shards = shards_of(blocks)
    tasks = list(dict.fromkeys(block.task for block in blocks))
    streams = [_Rows(store, [rows_name(stage, n) for n, b in shards if b[0].task == task]) for task in tasks]
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


def _write_wids(store: Store, stage: str, shards: Sequence[tuple[int, tuple[Block, ...]]]) -> None:
    """The shard list that wids reads."""
    listed = [
        {
            "url": tar_name(stage, n).rsplit("/", 1)[-1],
            "nsamples": sum(b.used for b in blocks),
            "filesize": store.size(tar_name(stage, n)),
        }
        for n, blocks in shards
    ]
    spec = {"__kind__": "wids-shard-index-v1", "wids_version": 1, "shardlist": listed}
    store.write(f"shards/{stage}/wids.json", (json.dumps(spec, indent=1) + "\n").encode())
