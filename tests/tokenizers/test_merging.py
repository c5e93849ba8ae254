"""Merged streams: the papers' examples, and nothing lost but what the rule drops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.tokenizers.merging import apart, by_time, check_groups, in_groups
from weft.tokenizers.stream import Stream, deduplicate, frame_by_frame

frames = st.lists(st.integers(0, 5), min_size=1, max_size=60).map(lambda ids: np.array(ids, np.int32))


def stream(rate: float, ids: np.ndarray, dedup: bool = True) -> Stream:
    return deduplicate(rate, ids) if dedup else frame_by_frame(rate, ids)


def test_the_papers_stream() -> None:
    style, pitch = stream(1, np.array([10]), dedup=False), stream(12.5, np.array([0, 0, 14]))
    units = stream(25, np.array([28, 28, 22, 22, 15]))
    merged = by_time([style, pitch, units])
    names = ["St", "Pi", "Hu"]
    spelt = [f"{names[s]}{i}" for s, i in zip(merged.which, merged.ids, strict=True)]
    assert spelt == ["St10", "Pi0", "Hu28", "Hu22", "Pi14", "Hu15"]
    assert merged.rate == 25 and merged.starts.tolist() == [0, 0, 0, 2, 4, 4]


@given(
    st.lists(st.tuples(st.sampled_from([1.0, 12.5, 25.0, 50 / 3, 50.0]), frames, st.booleans()), min_size=1, max_size=4)
)
def test_merging_by_time_loses_nothing_and_keeps_the_order(given: list[tuple[float, np.ndarray, bool]]) -> None:
    streams = [stream(*one) for one in given]
    merged = by_time(streams)
    for own, back in zip(streams, apart(merged, len(streams)), strict=True):
        assert np.array_equal(own.ids, back)
    keys = list(zip(merged.starts.tolist(), merged.which.tolist(), strict=True))
    assert keys == sorted(keys)
    for number, own in enumerate(streams):
        assert np.allclose(merged.starts[merged.which == number] / merged.rate, own.begins / own.rate)


def test_moments_that_are_one_are_one_however_they_are_counted() -> None:
    slow, fast = np.arange(300, dtype=np.int32), np.arange(450, dtype=np.int32)
    merged = by_time([stream(50 / 3, slow), stream(25, fast)])
    together = merged.starts[merged.which == 1][::3]
    assert np.array_equal(merged.starts[merged.which == 0][::2], together)


RATES = {(2, 3): (50 / 3, 25.0), (1, 2): (12.5, 25.0), (1, 1): (25.0, 25.0), (10, 15): (50 / 3, 25.0)}


@given(frames, frames, st.sampled_from(sorted(RATES)))
def test_groups_drop_only_what_is_no_whole_group(first: np.ndarray, second: np.ndarray, sizes: tuple[int, int]) -> None:
    rates = RATES[sizes]
    check_groups(rates, sizes)
    merged = in_groups(
        [stream(rate, ids, dedup=False) for rate, ids in zip(rates, (first, second), strict=True)], sizes
    )
    groups = min(len(first) // sizes[0], len(second) // sizes[1])
    assert len(merged.ids) == groups * sum(sizes)
    a, b = apart(merged, 2)
    assert np.array_equal(a, first[: groups * sizes[0]]) and np.array_equal(b, second[: groups * sizes[1]])
    begins = [group * sizes[0] / rates[0] for group in range(groups) for _ in range(sum(sizes))]
    assert np.allclose(merged.starts / merged.rate, begins)
    assert merged.ticks / merged.rate == pytest.approx(groups * sizes[0] / rates[0])


def test_two_to_three() -> None:
    first, second = np.array([1, 2, 3, 4, 5]), np.array([9, 8, 7, 6, 5, 4, 3])
    merged = in_groups([stream(50 / 3, first, dedup=False), stream(25, second, dedup=False)], (2, 3))
    assert merged.ids.tolist() == [1, 2, 9, 8, 7, 3, 4, 6, 5, 4]
    assert merged.which.tolist() == [0, 0, 1, 1, 1] * 2
    assert merged.rate == 50 and merged.starts.tolist() == [0] * 5 + [6] * 5  # a group lasts 0.12 s


def test_groups_that_drift_apart_are_refused() -> None:
    with pytest.raises(ValueError, match=r"groups would hold 0.120, 0.160 s of the streams, which drift apart"):
        check_groups([50 / 3, 25.0], [2, 4])
