"""The draft keeps the books: ids, segments, frames."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from weft.pipelines.tasks.common.sample_builder import SampleBuilder, frame
from weft.schemas.audio import Codes
from weft.schemas.vocabulary import Vocabulary
from weft.tokenizers.stream import deduplicate, frame_by_frame

FRAMES = st.lists(st.integers(0, 4), min_size=1, max_size=60)
CUTS = st.lists(st.integers(0, 60), max_size=6)


def codes(frames: list[int], dedup: bool) -> Codes:
    given = np.array(frames, np.int32)
    stream = deduplicate(25.0, given) if dedup else frame_by_frame(25.0, given)
    return Codes(
        key="u",
        seconds=len(frames) / 25,
        tokenizers=("hubert",),
        models=("m",),
        rate=25.0,
        ticks=len(frames),
        which=(0,) * len(stream.ids),
        ids=tuple(stream.ids.tolist()),
        starts=tuple(stream.begins.tolist()),
    )


@given(frames=FRAMES, cuts=CUTS, dedup=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_slices_that_meet_are_a_partition(
    builder: Callable[[], SampleBuilder], frames: list[int], cuts: list[int], dedup: bool
) -> None:
    whole = codes(frames, dedup)
    bounds: list[float | None] = [*sorted({0.0, *(c / 25 for c in cuts if c < len(frames))}), None]
    slices = [builder().code_ids(whole, start or 0.0, stop) for start, stop in pairwise(bounds)]
    assert [i - 1100 for one in slices for i in one] == list(whole.ids)
    if not dedup:
        assert [len(one) for one in slices[:-1]] == [round((b - a) * 25) for a, b in pairwise(bounds[:-1])]


def test_a_code_is_where_it_begins(builder: Callable[[], SampleBuilder]) -> None:
    whole = codes([3, 3, 1, 1], dedup=True)
    assert builder().code_ids(whole, 0.0, 0.04) == [1103]  # its run goes on after the cut
    assert builder().code_ids(whole, 0.04) == [1101]
    assert builder().code_ids(whole, 9.0) == []


@given(times=st.lists(st.floats(0, 100), min_size=2, max_size=8), rate=st.sampled_from([12.5, 16.667, 25.0, 50.0]))
def test_a_time_becomes_the_nearest_frame_boundary(times: list[float], rate: float) -> None:
    frames = [frame(t, rate) for t in sorted(times)]
    assert frames == sorted(frames)
    assert all(abs(f - t * rate) <= 0.5 + 1e-6 for f, t in zip(frames, sorted(times), strict=True))


def test_what_is_added_is_described_in_segments(builder: Callable[[], SampleBuilder]) -> None:
    made = builder()
    made.begin()
    made.marker("text", loss=False)
    made.text(" w4 w5", 0.5, 1.0)
    made.marker("speech")
    made.codes(codes([3, 3, 1, 1], dedup=True), 0.0, 0.16, role="target")
    made.text("")  # nothing to say leaves no segment
    assert made.ids == [0, 1000, 5, 6, 1001, 1103, 1101]
    assert [(s.modality, s.role, s.begin, s.end, s.start, s.stop, s.loss) for s in made.segments] == [
        ("text", "bos", 0, 1, 0.0, 0.0, False),
        ("text", "marker", 1, 2, 0.0, 0.0, False),
        ("text", "text", 2, 4, 0.5, 1.0, True),
        ("speech", "marker", 4, 5, 0.0, 0.0, True),
        ("speech", "target", 5, 7, 0.0, 0.16, True),
    ]


def test_a_vocabulary_without_bos_begins_with_nothing() -> None:
    made = SampleBuilder(
        Vocabulary(text_size=5, bos=None, markers=(), codebooks=(), size=8, text_fingerprint=""), lambda text: [1]
    )
    made.begin()
    assert made.ids == [] and made.segments == []


def test_codes_that_the_vocabulary_does_not_hold_are_refused(builder: Callable[[], SampleBuilder]) -> None:
    given = codes([50], dedup=True)
    with pytest.raises(ValueError, match="no codebook 'pitch'"):
        builder().code_ids(replace(given, tokenizers=("pitch",)))
    with pytest.raises(AssertionError):
        builder().code_ids(given)
