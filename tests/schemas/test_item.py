"""Keys are safe for tars and webdataset; parts are cut so that an item moves no other."""

import re
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from weft.schemas.item import bucket, bucket_count, item_of, key_for

PATHS = st.text(st.characters(), max_size=60)


@given(source=st.from_regex(r"[a-z][a-z0-9-]{0,15}", fullmatch=True), path=PATHS)
def test_keys_are_short_and_plain_whatever_the_path(source: str, path: str) -> None:
    key = key_for(source, path)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", key)
    assert len(key) <= 35
    # a sample adds a piece, its task and its pass, and a member's name stays within a USTAR header
    assert len(f"{key}-00000-{'t' * 16}-9999.json") <= 100


@given(path=PATHS)
def test_a_key_depends_on_the_source_and_the_whole_path(path: str) -> None:
    assert key_for("a", path) == key_for("a", path)
    assert key_for("a", path) != key_for("b", path)
    assert key_for("a", path) != key_for("a", f"x/{path}")


def test_a_key_can_be_read() -> None:
    assert re.fullmatch(r"day-1-[0-9a-f]{12}", key_for("speech", "raw/day 1.wav"))
    assert re.fullmatch(r"item-[0-9a-f]{12}", key_for("speech", "雨.wav"))


@given(path=PATHS, number=st.integers(0, 10**8 - 1), piece=st.none() | st.integers(0, 10**8 - 1))
def test_the_item_of_a_record_is_known_by_its_key(path: str, number: int, piece: int | None) -> None:
    key = key_for("a", path)
    assert item_of(key) == key
    assert item_of(f"{key}-{number:05d}" + ("" if piece is None else f"-{piece}")) == key


@given(keys=st.sets(st.text(max_size=6), max_size=40), doublings=st.integers(0, 6))
def test_buckets_halve_when_their_number_doubles(keys: set[str], doublings: int) -> None:
    count = 2**doublings
    for key in keys:
        assert 0 <= bucket(key, count) < count
        assert bucket(key, count) == bucket(key, 2 * count) // 2


def test_buckets_fill_evenly() -> None:
    filled = Counter(bucket(f"clip-{n}", 8) for n in range(8000))
    assert sorted(filled) == list(range(8))
    assert all(800 < n < 1200 for n in filled.values())


@given(items=st.integers(0, 10**7), wanted=st.integers(1, 10**4))
def test_bucket_count_is_the_least_power_of_two_that_is_enough(items: int, wanted: int) -> None:
    count = bucket_count(items, wanted)
    assert count & (count - 1) == 0
    assert items <= wanted * count
    assert count == 1 or items > wanted * count // 2
