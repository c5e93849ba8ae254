"""Parts: the tables stages hand to each other, each with its fingerprint and digest in its footer.

align/speech/part-00003.parquet
  weft.fingerprint   what it was made from: settings, backend versions, the digests of its inputs
  weft.digest        what is in it: equal digests, equal rows
  weft.made_from     what the fingerprint is of, by name, as JSON
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from weft.pipelines.store import Store
from weft.schemas.table import arrow_schema, from_table, to_table

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Stamp:
    """The two marks in a part's footer."""

    fingerprint: str
    digest: str


def part_name(node: str, part: int) -> str:
    return f"{node}/part-{part:05d}.parquet"


def write_part(
    store: Store,
    name: str,
    records: Sequence[Any],
    record: type,
    fingerprint: str,
    extra: str = "",
    made_from: Mapping[str, str] | None = None,
) -> str:
    """Commits the records as one part and returns its digest. `extra` is content beside the rows, by its hash."""
    table = to_table(records, record)
    digest = table_digest(table, extra)
    write_table(store, name, table, Stamp(fingerprint, digest), made_from)
    return digest


def write_table(
    store: Store, name: str, table: pa.Table, stamp: Stamp, made_from: Mapping[str, str] | None = None
) -> None:
    footer = {"weft.fingerprint": stamp.fingerprint, "weft.digest": stamp.digest}
    if made_from:
        footer["weft.made_from"] = json.dumps(made_from, ensure_ascii=True, separators=(",", ":"))
    with store.writing(name) as file:
        # read at the speed of memory: no dictionaries to look up, no statistics that nobody asks for
        pq.write_table(
            table.replace_schema_metadata(footer), file, compression="lz4", use_dictionary=False, write_statistics=False
        )


def table_digest(table: pa.Table, extra: str = "") -> str:
    sink = hashlib.blake2b(extra.encode(), digest_size=16)
    stream = pa.BufferOutputStream()
    with pa.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    sink.update(stream.getvalue())
    return sink.hexdigest()


def read_part(store: Store, name: str, record: type[R]) -> list[R]:
    columns = arrow_schema(record).names  # type: ignore[arg-type]
    return from_table(read_table(store, name, columns), record)


def read_table(store: Store, name: str, columns: list[str] | None = None) -> pa.Table:
    with store.open(name) as file:
        return pq.ParquetFile(file).read(columns=columns, use_threads=False)  # the work declares its threads


def stamp_of(store: Store, name: str) -> Stamp | None:
    """The marks of a part; None when it is not there or was not written by weft."""
    try:
        with store.open(name) as file:
            footer = pq.ParquetFile(file).schema_arrow.metadata or {}
        return Stamp(footer[b"weft.fingerprint"].decode(), footer[b"weft.digest"].decode())
    except (FileNotFoundError, KeyError, pa.ArrowInvalid):
        return None


def made_from_of(store: Store, name: str) -> dict[str, str] | None:
    """What a part was made from, by name; empty where it does not say, None where there is no part or it cannot be read."""
    try:
        with store.open(name) as file:
            footer = pq.ParquetFile(file).schema_arrow.metadata or {}
        return dict(json.loads(footer.get(b"weft.made_from", b"{}")))
    except (FileNotFoundError, ValueError):  # pa.ArrowInvalid is one
        return None
