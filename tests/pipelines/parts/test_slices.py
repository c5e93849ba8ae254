"""Parts in slices: the bytes of a single one, the rows of several, and the memory of a stage that makes large records."""

import tracemalloc
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from weft.pipelines.parts.slices import PartWriter, read_slices
from weft.pipelines.parts.stage_work import Input, PartWork
from weft.pipelines.parts.tables import footer_of, part_name, read_part, write_part
from weft.pipelines.stage import Stage
from weft.pipelines.storage.store import Store
from weft.schemas.ledger import LedgerRow
from weft.schemas.text import Document

ROWS = [Document(f"k{n}", "books", f"text {n}") for n in range(50)]
SIZE = 1 << 18  # bytes of a record


def write(store: Store, name: str, slices: Iterable[Sequence[Document]]) -> None:
    with store.writing(name) as file, PartWriter(file, Document) as part:
        for rows in slices:
            part.write(rows, "extra")
        part.close(name, "fp", {"parts": "1"})


@pytest.mark.parametrize("rows", [ROWS, []])
def test_one_slice_has_the_bytes_of_a_part_that_is_written_whole(store: Store, rows: list[Document]) -> None:
    name = part_name("ingest/books", 0)
    write_part(store, name, rows, Document, "fp", "extra", {"parts": "1"})
    whole = store.read(name)
    write(store, name, [rows])
    assert store.read(name) == whole


def test_slices_come_in_their_order_with_the_numbers_of_their_rows(store: Store) -> None:
    name = part_name("ingest/books", 0)
    write(store, name, [ROWS[:20], ROWS[20:27], ROWS[27:]])
    assert read_part(store, name, Document) == ROWS
    slices = list(read_slices(store, name, ["key"]))
    assert [(first, len(table)) for first, table in slices] == [(0, 20), (20, 7), (27, 23)]
    assert [key for _, table in slices for key in table["key"].to_pylist()] == [row.key for row in ROWS]


def test_the_digest_is_of_the_slices(store: Store) -> None:
    digests = set()
    for slices in ([ROWS], [ROWS[:20], ROWS[20:]], [ROWS[:20], [*ROWS[20:49], replace(ROWS[49], text="other")]]):
        write(store, "a/part-00000.parquet", slices)
        footer = footer_of(store, "a/part-00000.parquet")
        digests.add(footer and footer.digest)
    assert len(digests) == 3


class Large(Stage):
    """Makes each document large."""

    @property
    def makes(self) -> type:
        return Document

    def size(self, record: Any) -> int:
        return len(record.text)

    def counted(self, record: Any) -> Any:
        return replace(record, text="")

    def __call__(self, records: Iterable[Any]) -> Iterator[Any]:
        for record in records:
            yield replace(record, text=record.key[-1] * SIZE)


def test_a_stage_that_makes_large_records_holds_a_slice_of_them(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weft.pipelines.parts.stage_work.SLICE", 4 * SIZE)
    write_part(store, part_name("ingest/books", 0), ROWS, Document, "fp")
    tracemalloc.start()
    PartWork(node="large/books", stage=Large(), part=0, inputs=(Input("ingest/books", Document),)).run(store)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * SIZE
    made = read_part(store, part_name("large/books", 0), Document)
    assert [record.text for record in made] == [row.key[-1] * SIZE for row in ROWS]
    (row,) = read_part(store, "ledger/" + part_name("large/books", 0), LedgerRow)
    assert (row.items_in, row.items_out) == (50, 50)
