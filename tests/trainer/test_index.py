"""A row of the index is checked before it is used, and a broken index is one sentence."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from weft.trainer.index import LABELS, PLACES, Index, loss_bounds


@pytest.fixture
def folder(make_shards: Callable[..., Path], samples: list) -> Path:
    return make_shards(samples)


def change(folder: Path, column: str, row: int, value: object) -> None:
    """Writes the index anew with one value changed, in its row groups of seven draws."""
    table = pq.read_table(folder / "index.parquet")
    values = table.column(column).to_pylist()
    values[row] = value
    number = table.column_names.index(column)
    field = table.schema.field(number)
    pq.write_table(
        table.set_column(number, field, pa.array(values, field.type)), folder / "index.parquet", row_group_size=7
    )


def read(folder: Path) -> None:
    list(Index(folder).groups(PLACES + LABELS))


def test_loss_bounds_are_those_of_the_rows(folder: Path, samples: list) -> None:
    for first, table in Index(folder).groups(["loss"], begin=9):
        bounds, edges = loss_bounds(table)
        rows = [bounds[a:b].tolist() for a, b in pairwise(edges)]
        assert rows == [list(s[2]) for s in samples[first : first + 7]]


@pytest.mark.parametrize("bounds", [(0,), (2, 1), (0, 41), (-1, 3), (0, 5, 3, 9), (0, 5, 6)])
def test_loss_bounds_outside_the_sample_or_out_of_order_are_refused(folder: Path, bounds: tuple[int, ...]) -> None:
    change(folder, "loss", 17, bounds)
    with pytest.raises(ValueError, match="draw 17: its `loss` bounds do not lie within the sample; `weft build"):
        read(folder)


@pytest.mark.parametrize("bounds", [(0,), (40,), (-1,), (5, 5), (9, 4)])
def test_documents_that_do_not_begin_within_the_sample_in_order_are_refused(
    folder: Path, bounds: tuple[int, ...]
) -> None:
    change(folder, "bounds", 17, bounds)
    with pytest.raises(ValueError, match="draw 17: its documents do not begin within the sample, one after the other"):
        read(folder)


@pytest.mark.parametrize(
    ("column", "value"),
    [("tokens", 3), ("npy_length", 131), ("json_offset", -512), ("json_offset", 10**9), ("npy_offset", 1000)],
)
def test_offsets_that_contradict_each_other_are_refused(folder: Path, column: str, value: int) -> None:
    change(folder, column, 9, value)
    change(folder, "loss", 9, [])
    with pytest.raises(ValueError, match="draw 9: its offsets and lengths contradict each other"):
        read(folder)


def test_a_negative_length_is_refused(folder: Path) -> None:
    change(folder, "tokens", 8, -1)
    with pytest.raises(ValueError, match="draw 8: its number of tokens is negative"):
        list(Index(folder).groups(["tokens"]))


def test_a_value_that_is_missing_is_refused(folder: Path) -> None:
    change(folder, "loss", 3, None)
    with pytest.raises(ValueError, match="values are missing in the column loss"):
        read(folder)


def test_a_column_that_is_missing_or_of_another_type_is_named(folder: Path) -> None:
    table = pq.read_table(folder / "index.parquet")
    pq.write_table(table.drop_columns(["crc", "loss", "level"]), folder / "index.parquet")
    with pytest.raises(
        ValueError, match=r"index\.parquet has no column loss, level, crc as this version of weft writes it"
    ):
        Index(folder)
    number = table.column_names.index("tokens")
    pq.write_table(
        table.set_column(number, "tokens", table.column("tokens").cast(pa.string())), folder / "index.parquet"
    )
    with pytest.raises(ValueError, match="has no column tokens as this version of weft writes it"):
        Index(folder)


@pytest.mark.parametrize("kept", [0, 100, -40])
def test_a_cut_index_is_one_sentence(folder: Path, kept: int) -> None:
    data = (folder / "index.parquet").read_bytes()
    (folder / "index.parquet").write_bytes(data[:kept])
    with pytest.raises(ValueError, match=r"index\.parquet cannot be read \(.*\); `weft build"):
        Index(folder)


def test_damaged_pages_are_one_sentence(folder: Path) -> None:
    data = bytearray((folder / "index.parquet").read_bytes())
    data[4:600] = bytes(596)
    (folder / "index.parquet").write_bytes(data)
    with pytest.raises(ValueError, match=r"index\.parquet cannot be read"):
        list(Index(folder).groups([*PLACES, *LABELS, "key"]))


def test_a_missing_index_is_reported_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"index\.parquet is missing; `weft build"):
        Index(tmp_path)
