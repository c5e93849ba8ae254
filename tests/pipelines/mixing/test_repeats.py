"""Samples of one key are numbered, and each gets a place of its own; whatever parts, groups and portions they are found in."""

import io
import json
import tarfile
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pipelines.conftest import baked
from weft.pipelines.mixing.order import Order, write_order
from weft.pipelines.mixing.repeats import Repeats, repeats_of, with_repeats
from weft.pipelines.parts.tables import part_name, write_part
from weft.pipelines.storage.store import Store
from weft.schemas.plan import node_of
from weft.schemas.sample import ShardSample, repeat_of
from weft.schemas.table import from_table, to_table

NODE = node_of("text", 0, "books")


def parts(store: Store, *keys: str) -> int:
    """A part for each word, with a sample for each of its letters."""
    for number, letters in enumerate(keys):
        rows = sorted((baked(f"{k}-text-0", "text", "books", 9, 0.0) for k in letters), key=lambda row: row.place)
        write_part(store, part_name(NODE, number), rows, ShardSample, "made by hand")
    return len(keys)


@pytest.mark.parametrize("at_once", [1, 3, 1 << 24])
def test_repeats_are_found_across_parts_in_portions_of_any_size(store: Store, at_once: int) -> None:
    count = parts(store, "abca", "", "cde", "cz")
    found = repeats_of(store, NODE, count, at_once)
    places = np.array([baked(f"{k}-text-0", "text", "books", 9, 0.0).place for k in "abcacdecz"])
    assert found.number(places).tolist() == [0, 0, 0, 1, 1, 0, 0, 2, 0]


@given(st.lists(st.integers(0, 5), max_size=30), st.integers(0, 30))
def test_each_place_is_numbered_from_0_without_a_gap_however_it_is_read(places: list[int], cut: int) -> None:
    repeats = Repeats(np.array([p for p, n in sorted(Counter(places).items()) if n > 1], np.int64))
    read = [repeats.number(np.array(some, np.int64)).tolist() for some in (places[:cut], places[cut:])]
    numbered = list(zip(places, [*read[0], *read[1]], strict=True))
    assert len(set(numbered)) == len(numbered)
    assert all(n == 0 or (p, n - 1) in numbered for p, n in numbered)


def test_a_repeat_is_the_same_sample_under_another_key() -> None:
    sample = baked("a-text-0", "text", "books", 600, 0.0)
    repeat = repeat_of(sample, 2)
    with tarfile.open(fileobj=io.BytesIO(repeat.members)) as tar:
        record, npy = (tar.extractfile(name).read() for name in tar.getnames())  # type: ignore[union-attr]
        assert tar.getnames() == ["a-text-0-r2.json", "a-text-0-r2.npy"]
    assert (len(record), len(npy)) == (repeat.json_length, repeat.npy_length)
    assert json.loads(record)["key"] == repeat.key == "a-text-0-r2"
    assert record.replace(b"a-text-0-r2", b"a-text-0", 1) in sample.members and npy in sample.members
    assert repeat.parent == sample.parent and repeat.place != sample.place
    assert {repeat.digest, repeat.crc}.isdisjoint({sample.digest, sample.crc})


def test_the_others_of_a_part_stay_as_they_are() -> None:
    rows = [baked(f"{k}-text-0", "text", "books", 9, 0.0) for k in "abc"]
    made = from_table(with_repeats(to_table(rows, ShardSample), np.array([0, 1, 0], np.int32)), ShardSample)
    assert made == [rows[0], repeat_of(rows[1], 1), rows[2]]


def test_the_order_numbers_repeats_in_whichever_group_they_lie(store: Store) -> None:
    count = parts(store, "ab", *["c"] * 20, "ba")  # 16 parts are a group
    assert write_order(store, NODE, count, 1.0, {}) == 24
    order = Order(store, NODE)
    groups = range(len(order.begins()) - 1)
    found = Counter(n for g in groups for n in order.group(g, ["repeat"])["repeat"].to_pylist())
    assert len(groups) == 2 and found == {0: 3, 1: 3, **dict.fromkeys(range(2, 20), 1)}
