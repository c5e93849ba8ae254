"""The index of a stage: one row for each draw, in the order of the stream, with the place of its sample in the tars.

    shards/pretrain/index.parquet    IndexRow(key="clip-3fa0-words-0", shard="train-words~speech-0-00003-00.tar", json_offset=512, …)
    shards/pretrain/wids.json        the list of tars that wids reads

Row n is draw n of the plan: the next row of its leaf's tars.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from weft.pipelines.mixing.plan_files import plan_files, read_leaves, read_tars
from weft.pipelines.mixing.shards import index_name, rows_name, tar_name, wids_name
from weft.pipelines.parts.tables import opened_part
from weft.pipelines.storage.checksums import BLANK, KEY, add_checksums_to
from weft.pipelines.storage.store import Store
from weft.schemas.changes import MadeFrom
from weft.schemas.fingerprint import digest
from weft.schemas.plan import Tar
from weft.schemas.shard import IndexRow
from weft.schemas.table import arrow_schema

VERSION = "index-7"
ROWS = 10_000  # index rows a row group


def write_index(store: Store, stage: str, made_from: MadeFrom) -> int:
    """Writes the index and the list of tars; returns the number of draws. Holds only a few chunks in memory."""
    schema, fingerprint, total = arrow_schema(IndexRow), digest(made_from), 0
    entries = {"fingerprint": fingerprint, "digest": fingerprint, "made_from": json.dumps(made_from)}
    options: dict[str, Any] = {"compression": "zstd", "write_page_checksum": True}
    with store.writing(index_name(stage)) as file:
        with pq.ParquetWriter(file, schema, **options) as writer:
            for rows in index_rows(store, stage):
                writer.write_table(rows.cast(schema), row_group_size=ROWS)
                total += len(rows)
            writer.add_key_value_metadata({f"weft.{name}": value for name, value in entries.items()} | {KEY: BLANK})
        file.flush()
        add_checksums_to(file.name)
    store.write(wids_name(stage), wids(store, stage))
    return total


def index_rows(store: Store, stage: str) -> Iterator[pa.Table]:
    """The rows of the index in tables of ROWS draws: for each draw, the next row of its leaf's tars."""
    tars = read_tars(store, stage)
    leaves = range(len(read_leaves(store, stage)))
    streams = [_Rows(store, [rows_name(tar_name(stage, tar)) for tar in tars if tar.leaf == leaf]) for leaf in leaves]
    with opened_part(store, plan_files(stage).draws) as draws:
        for batch in draws.iter_batches(ROWS, columns=["leaf"]):
            chosen = batch.column(0).to_numpy()
            places = [np.flatnonzero(chosen == leaf) for leaf in leaves]
            rows = pa.concat_tables([s.take(len(p)) for s, p in zip(streams, places, strict=True)])
            yield rows.take(np.argsort(np.concatenate(places)))


class _Rows:
    """Index rows of one leaf's tars, in order, taken a few at a time."""

    def __init__(self, store: Store, names: Sequence[str]) -> None:
        self._tables = chain.from_iterable(self._read(store, name) for name in names)
        self._left = arrow_schema(IndexRow).empty_table()

    @staticmethod
    def _read(store: Store, name: str) -> Iterator[pa.Table]:
        with opened_part(store, name) as file:
            for batch in file.iter_batches(ROWS):
                yield pa.Table.from_batches([batch]).replace_schema_metadata(None)

    def take(self, count: int) -> pa.Table:
        while len(self._left) < count:
            if (table := next(self._tables, None)) is None:
                break
            self._left = pa.concat_tables([self._left, table])
        taken, self._left = self._left.slice(0, count), self._left.slice(count)
        return taken


def wids(store: Store, stage: str) -> bytes:
    """The shard list that wids reads."""
    tars: list[Tar] = read_tars(store, stage)
    listed = [{"url": t.name, "nsamples": t.samples, "filesize": store.size(tar_name(stage, t))} for t in tars]
    spec = {"__kind__": "wids-shard-index-v1", "wids_version": 1, "shardlist": listed}
    return (json.dumps(spec, indent=1) + "\n").encode()
