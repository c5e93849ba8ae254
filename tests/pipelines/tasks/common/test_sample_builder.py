"""The draft keeps the books: ids, segments, frames."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.pipelines.tasks.common.sample_builder import SampleBuilder, frame, slice_units
from weft.schemas.audio import Units
from weft.schemas.vocabulary import Vocabulary
from weft.tokenizers.stream import deduplicate, frame_by_frame

FRAMES = st.lists(st.integers(0, 4), min_size=1, max_size=60)
CUTS = st.lists(st.integers(0, 60), max_size=6)


def units(frames: list[int], dedup: bool) -> Units:
    given = np.array(frames, np.int32)
    stream = deduplicate(25.0, given) if dedup else frame_by_frame(25.0, given)
    ids, durations = stream.ids, stream.durations
    return Units(
        key="u",
        seconds=len(frames) / 25,
        tokenizer="hubert",
        model="m",
        rate=25.0,
        ids=tuple(ids.tolist()),
        durations=tuple(durations.tolist()),
    )


@given(frames=FRAMES, cuts=CUTS)
def test_without_deduplication_slices_are_a_partition_of_the_frames(frames: list[int], cuts: list[int]) -> None:
    bounds = sorted({0, len(frames), *(c for c in cuts if c < len(frames))})
    slices = [slice_units(units(frames, dedup=False), a, b) for a, b in pairwise(bounds)]
    assert [code for s in slices for code in s] == frames
    assert [len(s) for s in slices] == [b - a for a, b in pairwise(bounds)]


@given(frames=FRAMES, cuts=CUTS)
def test_with_deduplication_slices_are_the_runs_of_their_frames(frames: list[int], cuts: list[int]) -> None:
    whole = units(frames, dedup=True)
    assert np.repeat(whole.ids, whole.durations).tolist() == frames
    bounds = sorted({0, len(frames), *(c for c in cuts if c < len(frames))})
    for a, b in pairwise(bounds):
        assert list(slice_units(whole, a, b)) == deduplicate(25.0, np.array(frames[a:b])).ids.tolist()


@given(frames=FRAMES, first=st.integers(0, 80), length=st.integers(0, 80))
def test_beyond_the_end_is_nothing(frames: list[int], first: int, length: int) -> None:
    assert list(slice_units(units(frames, dedup=False), first, first + length)) == frames[first : first + length]


@given(times=st.lists(st.floats(0, 100), min_size=2, max_size=8), rate=st.sampled_from([12.5, 16.667, 25.0, 50.0]))
def test_a_time_becomes_the_nearest_frame_boundary(times: list[float], rate: float) -> None:
    frames = [frame(t, rate) for t in sorted(times)]
    assert frames == sorted(frames)
    assert all(abs(f - t * rate) <= 0.5 + 1e-6 for f, t in zip(frames, sorted(times), strict=True))


def test_what_is_added_is_told_in_segments(builder: Callable[[], SampleBuilder]) -> None:
    made = builder()
    made.begin()
    made.marker("text", loss=False)
    made.text(" w4 w5", 0.5, 1.0)
    made.marker("speech")
    made.units(units([3, 3, 1, 1], dedup=True), 0.04, 0.16, role="target")
    made.text("")  # nothing to say leaves no segment
    assert made.ids == [0, 1000, 5, 6, 1001, 1103, 1101]
    assert [(s.modality, s.role, s.begin, s.end, s.start, s.stop, s.loss) for s in made.segments] == [
        ("text", "bos", 0, 1, 0.0, 0.0, False),
        ("text", "marker", 1, 2, 0.0, 0.0, False),
        ("text", "text", 2, 4, 0.5, 1.0, True),
        ("speech", "marker", 4, 5, 0.0, 0.0, True),
        ("speech", "target", 5, 7, 0.04, 0.16, True),
    ]


def test_a_vocabulary_without_bos_begins_with_nothing() -> None:
    made = SampleBuilder(Vocabulary(5, None, (), (), 8, ""), lambda text: [1])
    made.begin()
    assert made.ids == [] and made.segments == []


def test_codes_that_the_vocabulary_does_not_hold_are_refused(builder: Callable[[], SampleBuilder]) -> None:
    with pytest.raises(ValueError, match="no codebook 'pitch'"):
        builder().codes(
            Units(key="u", seconds=1.0, tokenizer="pitch", model="m", rate=25.0, ids=(1,), durations=(1,)), (1,)
        )
    with pytest.raises(AssertionError):
        builder().codes(
            Units(key="u", seconds=1.0, tokenizer="hubert", model="m", rate=25.0, ids=(50,), durations=(1,)), (50,)
        )
