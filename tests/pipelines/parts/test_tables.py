"""Parts and the two marks in their footers."""

import io
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from weft.pipelines.parts.tables import (
    Footer,
    footer_of,
    part_name,
    read_part,
    read_table,
    table_digest,
    write_part,
    write_table,
)
from weft.pipelines.storage.damage import Damaged
from weft.pipelines.storage.store import Store
from weft.schemas.table import to_table
from weft.schemas.text import Document

ROWS = [Document(f"k{n}", "books", f"text {n}") for n in range(5)]


def test_a_part_is_read_back_with_its_marks(store: Store) -> None:
    digest = write_part(store, "x/part-00000.parquet", ROWS, Document, "fp")
    assert read_part(store, "x/part-00000.parquet", Document) == ROWS
    assert footer_of(store, "x/part-00000.parquet") == Footer("fp", digest)
    assert read_table(store, "x/part-00000.parquet", ["text"]).column_names == ["text"]


def test_an_empty_part_is_a_part(store: Store) -> None:
    write_part(store, "x.parquet", [], Document, "fp")
    assert read_part(store, "x.parquet", Document) == []


def test_equal_rows_have_equal_digests_whatever_their_fingerprint(store: Store) -> None:
    one = write_part(store, "a.parquet", ROWS, Document, "one")
    assert write_part(store, "b.parquet", ROWS, Document, "two") == one


@pytest.mark.parametrize(
    "rows",
    [ROWS[:4], ROWS[::-1], [*ROWS[:4], replace(ROWS[4], text="text")], [*ROWS[:4], replace(ROWS[4], licence="CC0")]],
)
def test_any_change_of_content_has_another_digest(store: Store, rows: list[Document]) -> None:
    assert write_part(store, "a.parquet", rows, Document, "fp") != write_part(store, "b.parquet", ROWS, Document, "fp")


def test_content_beside_the_rows_counts(store: Store) -> None:
    digests = {write_part(store, "a.parquet", ROWS, Document, "fp", extra) for extra in ("", "one", "two")}
    assert len(digests) == 3


def test_chunks_are_not_content() -> None:
    table = to_table(ROWS, Document)
    cut = pa.concat_tables([table.slice(0, 2), table.slice(2)])
    assert cut.column("key").num_chunks == 2
    assert table_digest(cut) == table_digest(table)


def test_equal_parts_have_equal_bytes(store: Store) -> None:
    written = []
    for _ in range(2):
        write_part(store, "a.parquet", ROWS, Document, "fp")
        written.append(store.read("a.parquet"))
    assert written[0] == written[1]


def test_what_weft_did_not_write_whole_has_no_stamp(store: Store) -> None:
    foreign = io.BytesIO()
    pq.write_table(pa.table({"a": [1]}), foreign)
    write_table(store, "whole.parquet", to_table(ROWS, Document), Footer("fp", "d"))
    store.write("foreign.parquet", foreign.getvalue())
    store.write("cut.parquet", store.read("whole.parquet")[:-20])
    store.write("empty.parquet", b"")
    assert footer_of(store, "whole.parquet") == Footer("fp", "d")
    for name in ("foreign.parquet", "cut.parquet", "empty.parquet", "missing.parquet"):
        assert footer_of(store, name) is None


def test_names_sort_as_numbers() -> None:
    assert part_name("align/speech", 7) == "align/speech/part-00007.parquet"


def test_a_part_in_another_place_is_no_part(store: Store) -> None:
    write_part(store, part_name("x", 0), ROWS, Document, "fp")
    store.write(part_name("x", 1), store.read(part_name("x", 0)))
    assert footer_of(store, part_name("x", 1)) is None
    with pytest.raises(Damaged, match=r"x/part-00001.parquet is x/part-00000.parquet in another place"):
        read_part(store, part_name("x", 1), Document)


def test_a_disk_that_fails_is_no_damage(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    write_part(store, "x.parquet", ROWS, Document, "fp")

    def fails(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(store, "open", fails)
    with pytest.raises(OSError, match="Input/output"):
        read_part(store, "x.parquet", Document)


def test_no_thread_of_arrows_reads_a_part(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that holds a file of Python's when the process ends aborts it, after all the work was done."""
    write_part(store, "ingest/books/part-00000.parquet", [], Document, "one")
    opened, plain = [], pq.ParquetFile

    def watched(*given: object, **settings: object) -> pq.ParquetFile:
        opened.append(settings)
        return plain(*given, **settings)

    monkeypatch.setattr(pq, "ParquetFile", watched)
    read_part(store, "ingest/books/part-00000.parquet", Document)
    assert [settings["pre_buffer"] for settings in opened] == [False]
