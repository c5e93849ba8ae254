"""Parts: the tables stages hand to each other, each with its fingerprint and digest in its footer.

align/speech/part-00003.parquet
  weft.fingerprint   what it was made from: settings, backend versions, the digests of its inputs
  weft.digest        what is in it: equal digests, equal rows
  weft.name          where it belongs in its corpus
  weft.checksums     of the file's bytes (`checksums.py`)
  weft.made_from     what the fingerprint is of, by name, as JSON
  weft.…             notes of whoever wrote it, such as the sizes of the files that were committed with it

Pages carry checksums, which are verified whenever they are read. What does not match is `Damaged`.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO, RawIOBase
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from weft.pipelines.storage.checksums import BLANK, KEY, add_checksums, footer_matches
from weft.pipelines.storage.damage import Damaged
from weft.pipelines.storage.footer import Footer
from weft.pipelines.storage.store import Store
from weft.schemas.table import arrow_schema, from_table, to_table

R = TypeVar("R")
_PREFIX = "weft."
_MAGIC = b"PAR1"
STREAMED = ("order/", "plan/")  # whose checksums lie in another file: that of the counts, and the plan's summary


def part_name(node: str, part: int) -> str:
    return f"{node}/part-{part:05d}.parquet"


def write_part(
    store: Store, name: str, records: Sequence[Any], record: type, fingerprint: str, extra: str = "",
    notes: Mapping[str, str] | None = None,
) -> str:  # fmt: skip
    """Commits the records as one part and returns its digest. `extra` is content beside the rows, by its hash."""
    table = to_table(records, record)
    digest = table_digest(table, extra)
    write_table(store, name, table, Footer(fingerprint, digest, notes or {}))
    return digest


def write_table(store: Store, name: str, table: pa.Table, footer: Footer) -> None:
    entries = {"fingerprint": footer.fingerprint, "digest": footer.digest, "name": name, **footer.notes}
    sink = pa.BufferOutputStream()
    with parquet_writer(sink, table.schema) as writer:
        writer.write_table(table.replace_schema_metadata(None))
        writer.add_key_value_metadata(prefixed(entries))
    data = bytearray(memoryview(sink.getvalue()))
    add_checksums(data)
    store.write(name, data)


def parquet_writer(sink: Any, schema: pa.Schema) -> pq.ParquetWriter:
    """Of a part, which is read at the speed of memory: no dictionaries to look up, no statistics that nobody asks for."""
    return pq.ParquetWriter(
        sink, schema.remove_metadata(), compression="lz4", use_dictionary=False, write_statistics=False,
        write_page_checksum=True,
    )  # fmt: skip


def prefixed(entries: Mapping[str, str]) -> dict[str, str]:
    """Entries as they stand in a footer whose checksums are not known yet."""
    return {_PREFIX + key: value for key, value in entries.items()} | {KEY: BLANK}


def table_digest(table: pa.Table, extra: str = "") -> str:
    """The digest of a part of one slice. `extra` is content beside the rows, by its hash."""
    digest = RowsDigest(table.schema, extra)
    digest.add(table)
    return digest.hexdigest()


class RowsDigest:
    """The digest of a part's rows, a slice at a time. Where one slice ends and the next begins counts too."""

    def __init__(self, schema: pa.Schema, extra: str = "") -> None:
        self._sink = _Hash(extra)
        self._stream = pa.ipc.new_stream(pa.PythonFile(self._sink, mode="w"), schema)

    def add(self, table: pa.Table) -> None:
        self._stream.write_table(table.combine_chunks())

    def hexdigest(self) -> str:
        """Of all slices; nothing can be added then."""
        self._stream.close()
        return self._sink.hash.hexdigest()


class _Hash(RawIOBase):
    """A file that keeps nothing but the hash of what is written to it, so that a digest costs no memory."""

    def __init__(self, extra: str) -> None:
        self.hash, self._size = hashlib.blake2b(extra.encode(), digest_size=16), 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.hash.update(data)
        self._size += len(data)
        return len(data)

    def tell(self) -> int:
        return self._size


def read_part(store: Store, name: str, record: type[R]) -> list[R]:
    """Raises FileNotFoundError, and Damaged."""
    columns = arrow_schema(record).names  # type: ignore[arg-type]
    return from_table(read_table(store, name, columns, whole=True), record)


def read_table(store: Store, name: str, columns: list[str] | None = None, whole: bool = False) -> pa.Table:
    """These columns, or all; `whole` says that they are nearly all of the file. Raises FileNotFoundError, and Damaged."""
    with opened_part(store, name, whole or columns is None) as part:
        table = part.read(columns=columns, use_threads=False)  # the work declares its threads
    if columns is not None and (lost := set(columns) - set(table.column_names)):
        raise Damaged(store.url, name, f"has no column {min(lost)!r}")
    return table


@contextmanager
def opened_part(store: Store, name: str, whole: bool = False) -> Iterator[pq.ParquetFile]:
    """Verified as it is read: the footer at once, each page in its turn. Raises FileNotFoundError, and Damaged.

    With `whole` a remote part is fetched in one request, which reading all of its columns needs. Nothing is read ahead by threads of
    Arrow's own: one that still holds a file of Python's when the process ends aborts it.
    """
    try:
        with BytesIO(store.read(name)) if whole and not store.local else store.open(name) as file:
            if file.read(len(_MAGIC)) != _MAGIC:  # some readers look at it, pyarrow does not
                raise Damaged(store.url, name, "does not begin as a Parquet file does")
            part = pq.ParquetFile(file, page_checksum_verification=True, pre_buffer=False)
            entries = part.metadata.metadata or {}
            checksums = entries.get(KEY.encode())
            if checksums is None and not (name.startswith(STREAMED) and not name.endswith("-held.parquet")):
                raise Damaged(store.url, name, "was not written by this version of weft")
            if checksums is not None and not footer_matches(file, store.size(name), checksums):
                raise Damaged(store.url, name, "has another footer than was written")
            if (own := entries.get(b"weft.name", b"").decode()) and own != name:
                raise Damaged(store.url, name, f"is {own} in another place")
            yield part
    except (FileNotFoundError, MemoryError):
        raise
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # the disk's or the network's, not the file's
            raise
        raise Damaged(store.url, name, f"is damaged: {str(error).strip().splitlines()[0]}") from error


def footer_of(store: Store, name: str) -> Footer | None:
    """The footer of a part; None if the part is missing, damaged, or was not written by weft."""
    try:
        with opened_part(store, name) as part:
            metadata = part.metadata.metadata or {}
        entries = {k.decode().removeprefix(_PREFIX): v.decode() for k, v in metadata.items() if k.startswith(b"weft.")}
        for own in ("name", "checksums"):
            entries.pop(own, None)
        return Footer(entries.pop("fingerprint"), entries.pop("digest"), entries)
    except (FileNotFoundError, KeyError, Damaged, UnicodeDecodeError):
        return None


def made_from_of(store: Store, name: str) -> dict[str, str] | None:
    """What a part was made from, by name; empty where it does not say, None where there is no part or it cannot be read."""
    footer = footer_of(store, name)
    return None if footer is None else dict(json.loads(footer.notes.get("made_from", "{}")))
