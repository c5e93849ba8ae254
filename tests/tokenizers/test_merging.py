"""Merged streams: the papers' examples, and nothing lost but what the rule drops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.tokenizers.merging import apart, by_time, from_groups, in_groups
from weft.tokenizers.stream import Stream, deduplicate, frame_by_frame

frames = st.lists(st.integers(0, 5), min_size=1, max_size=60).map(lambda ids: np.array(ids, np.int32))


def stream(rate: float, ids: np.ndarray, dedup: bool = True) -> Stream:
    return deduplicate(rate, ids) if dedup else frame_by_frame(rate, ids)


def test_the_papers_stream() -> None:
    style, pitch = stream(1, np.array([10]), dedup=False), stream(12.5, np.array([0, 0, 14]))
    units = stream(25, np.array([28, 28, 22, 22, 15]))
    merged = by_time([style, pitch, units])
    names = ["St", "Pi", "Hu"]
    spelt = [f"{names[s]}{i}" for s, i in zip(merged.streams, merged.ids, strict=True)]
    assert spelt == ["St10", "Pi0", "Hu28", "Hu22", "Pi14", "Hu15"]
    assert merged.starts.tolist() == [0, 0, 0, 0.08, 0.16, 0.16]


@given(
    st.lists(st.tuples(st.sampled_from([1.0, 12.5, 25.0, 50 / 3, 50.0]), frames, st.booleans()), min_size=1, max_size=4)
)
def test_merging_by_time_loses_nothing_and_keeps_the_order(given: list[tuple[float, np.ndarray, bool]]) -> None:
    streams = [stream(*one) for one in given]
    merged = by_time(streams)
    for own, back in zip(streams, apart(merged, len(streams)), strict=True):
        assert np.array_equal(own.ids, back)
    keys = list(zip(merged.starts.tolist(), merged.streams.tolist(), strict=True))
    assert keys == sorted(keys)
    for number, own in enumerate(streams):
        assert np.allclose(merged.starts[merged.streams == number], own.begins / own.rate)


def test_moments_that_are_one_are_one_however_they_are_counted() -> None:
    slow, fast = np.arange(300, dtype=np.int32), np.arange(450, dtype=np.int32)
    merged = by_time([stream(50 / 3, slow), stream(25, fast)])
    together = merged.starts[merged.streams == 1][::3]
    assert np.array_equal(merged.starts[merged.streams == 0][::2], together)


@given(frames, frames, st.tuples(st.integers(1, 10), st.integers(1, 15)))
def test_groups_drop_only_what_is_no_whole_group(first: np.ndarray, second: np.ndarray, sizes: tuple[int, int]) -> None:
    ids = in_groups(first, second, sizes)
    groups = min(len(first) // sizes[0], len(second) // sizes[1])
    assert len(ids) == groups * sum(sizes)
    a, b = from_groups(ids, sizes)
    assert np.array_equal(a, first[: groups * sizes[0]]) and np.array_equal(b, second[: groups * sizes[1]])


def test_two_to_three() -> None:
    first, second = np.array([1, 2, 3, 4, 5]), np.array([9, 8, 7, 6, 5, 4, 3])
    assert in_groups(first, second).tolist() == [1, 2, 9, 8, 7, 3, 4, 6, 5, 4]
    with pytest.raises(ValueError, match="no whole groups of 2 and 3"):
        from_groups(np.arange(7))
