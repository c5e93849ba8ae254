"""Any flipped bit of a part is noticed: in the footer when it is opened, in a page when it is read, anywhere by the deep check."""

import random
from io import BytesIO

import pyarrow.parquet as pq
import pytest

from weft.pipelines.parts.tables import footer_of, read_part, write_part
from weft.pipelines.storage.checksums import KEY, content_of_file_matches
from weft.pipelines.storage.damage import Damaged
from weft.pipelines.storage.store import Store
from weft.schemas.text import Document

ROWS = [Document(f"k{n}", "books", f"text {n}") for n in range(50)]
NAME = "ingest/books/part-00000.parquet"


def flip(data: bytes, chance: random.Random, first: int, last: int) -> bytes:
    at = chance.randrange(first, last)
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]


@pytest.fixture
def written(store: Store) -> bytes:
    write_part(store, NAME, ROWS, Document, "fp", notes={"parts": "1"})
    return store.read(NAME)


def footer_begins(data: bytes) -> int:
    return len(data) - 8 - int.from_bytes(data[-8:-4], "little")


def test_a_flipped_bit_in_the_footer(store: Store, written: bytes) -> None:
    chance, whole = random.Random(1), footer_of(store, NAME)
    key = range(
        written.rindex(KEY.encode()) - 2, written.rindex(KEY.encode()) + len(KEY)
    )  # without it nothing is checked
    for _ in range(300):
        harmed = flip(written, chance, footer_begins(written), len(written))
        if harmed[key.start : key.stop] != written[key.start : key.stop]:
            continue
        store.write(NAME, harmed)
        assert footer_of(store, NAME) is None
        with pytest.raises(Damaged, match=rf"{NAME} .*--verify` makes it anew"):
            read_part(store, NAME, Document)
    store.write(NAME, written)
    assert footer_of(store, NAME) == whole and read_part(store, NAME, Document) == ROWS


def test_a_flipped_bit_before_the_footer(store: Store, written: bytes) -> None:
    chance = random.Random(2)
    checksums = pq.read_metadata(store.path(NAME)).metadata[KEY.encode()]
    assert content_of_file_matches(BytesIO(written), checksums)
    noticed = 0
    for _ in range(300):
        harmed = flip(written, chance, 0, footer_begins(written))
        assert not content_of_file_matches(BytesIO(harmed), checksums)
        store.write(NAME, harmed)
        try:
            assert read_part(store, NAME, Document) == ROWS  # a bit that says nothing, such as a page's own statistics
        except Damaged:
            noticed += 1
    assert noticed > 250


def test_a_table_without_checksums_is_read_as_it_is(store: Store, written: bytes) -> None:
    """Plans, orders and indexes are written a piece at a time."""
    with store.writing("plan/other.parquet") as file:
        pq.write_table(pq.read_table(store.path(NAME)), file)
    assert read_part(store, "plan/other.parquet", Document) == ROWS
