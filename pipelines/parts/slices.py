"""Parts that are written and read a slice of rows at a time, so that memory is that of a slice. Each slice is a row group.

with store.writing(name) as file, PartWriter(file, ShardSample) as part:
    part.write(samples[:40]); part.write(samples[40:])
    part.close(name, fingerprint, notes)
for first, table in read_slices(store, name): ...                          the number of the table's first row
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import Any, BinaryIO, Self

import pyarrow as pa
import pyarrow.parquet as pq

from weft.pipelines.parts.tables import RowsDigest, opened_part, parquet_writer, prefixed
from weft.pipelines.storage.checksums import add_checksums_to
from weft.pipelines.storage.store import Store
from weft.schemas.table import arrow_schema, to_table

SLICE = 1 << 25  # bytes of samples in memory at a time, about
_AT_ONCE = 2 * SLICE  # a remote part of so many bytes is fetched in one request


class PartWriter:
    """Writes records of one type into `file`; it is committed by whoever opened it."""

    def __init__(self, file: BinaryIO, record: type) -> None:
        self._file, self._record = file, record
        self._writer = parquet_writer(file, arrow_schema(record))
        self._digest: RowsDigest | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._writer.close()  # before the file, whatever happened

    def write(self, records: Sequence[Any], extra: str = "") -> None:
        """One slice. `extra` is content beside the rows, by its hash; that of the first slice counts."""
        table = to_table(records, self._record)
        self._digest = self._digest or RowsDigest(table.schema, extra)
        self._digest.add(table)
        self._writer.write_table(table.replace_schema_metadata(None))

    def close(self, name: str, fingerprint: str, notes: Mapping[str, str]) -> None:
        """Writes the footer, with the digest and the checksums. At least one slice was written, which may be empty."""
        assert self._digest
        entries = {"fingerprint": fingerprint, "digest": self._digest.hexdigest(), "name": name, **notes}
        self._writer.add_key_value_metadata(prefixed(entries))
        self._writer.close()
        self._file.flush()
        add_checksums_to(self._file.name)


def slices_of(part: pq.ParquetFile, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """The slices of an open part, one after another; an empty one where there is none."""
    for group in range(part.num_row_groups):
        yield part.read_row_group(group, columns=columns, use_threads=False)
    if not part.num_row_groups:
        yield part.read(columns=columns, use_threads=False)


def read_slices(store: Store, name: str, columns: Sequence[str]) -> Iterator[tuple[int, pa.Table]]:
    """Each slice of a part with the number of its first row. Raises FileNotFoundError, and Damaged."""
    first = 0
    with opened_part(store, name, whole=not store.local and store.size(name) <= _AT_ONCE) as part:
        for table in slices_of(part, columns):
            yield first, table
            first += len(table)


@contextmanager
def opened_bytes(store: Store, name: str) -> Iterator[BinaryIO]:
    """A part's bytes, to be read more than once: a remote one is fetched once, and held."""
    if store.local:
        with store.open(name) as file:
            yield file
    else:
        yield BytesIO(store.read(name))
