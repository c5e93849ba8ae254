"""Keys are safe for tars and webdataset; parts are cut so that an item moves no other."""

import re
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from weft.schemas.item import bucket, bucket_count, key_beginning, key_for, linear

PATHS = st.text(st.characters(), max_size=60)


@given(source=st.from_regex(r"[a-z][a-z0-9-]{0,15}", fullmatch=True), path=PATHS)
def test_keys_are_short_and_plain_whatever_the_path(source: str, path: str) -> None:
    key = key_for(source, path)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", key)
    assert len(key) <= 35
    # a document adds a hash and a piece, a sample its task, pass and split and which repeat it is; it all fits a USTAR header
    assert len(f"{key}-{'0' * 16}-99999-{'t' * 16}-9999-v-r9999999.json") <= 100
    assert key.startswith(key_beginning(path))


@given(path=PATHS)
def test_a_key_depends_on_the_source_and_the_whole_path(path: str) -> None:
    assert key_for("a", path) == key_for("a", path)
    assert key_for("a", path) != key_for("b", path)
    assert key_for("a", path) != key_for("a", f"x/{path}")


def test_a_key_can_be_read() -> None:
    assert re.fullmatch(r"day-1-[0-9a-f]{12}", key_for("speech", "raw/day 1.wav"))
    assert re.fullmatch(r"item-[0-9a-f]{12}", key_for("speech", "雨.wav"))


@given(number=st.integers(0, 2**64 - 1), fewer=st.integers(1, 3000), more=st.integers(0, 3000))
def test_buckets_group_into_fewer_buckets(number: int, fewer: int, more: int) -> None:
    many = fewer + more
    assert 0 <= linear(number, many) < many
    assert linear(linear(number, many), fewer) == linear(number, fewer)


@given(numbers=st.sets(st.integers(0, 2**64 - 1), max_size=200), count=st.integers(1, 300))
def test_one_bucket_more_splits_one_bucket_and_moves_nothing_else(numbers: set[int], count: int) -> None:
    moved = {n for n in numbers if linear(n, count) != linear(n, count + 1)}
    assert {linear(n, count + 1) for n in moved} <= {count}
    assert len({linear(n, count) for n in moved}) <= 1


def test_buckets_fill_evenly() -> None:
    filled = Counter(bucket(f"clip-{n}", 8) for n in range(8000))
    assert sorted(filled) == list(range(8))
    assert all(800 < n < 1200 for n in filled.values())


@given(items=st.integers(0, 10**7), wanted=st.integers(1, 10**4))
def test_bucket_count_is_the_least_that_is_enough(items: int, wanted: int) -> None:
    count = bucket_count(items, wanted)
    assert items <= wanted * count
    assert count == 1 or items > wanted * (count - 1)
