"""Nothing is lost between ids a frame and ids with durations."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from weft.tokenizers.stream import deduplicate, frame_by_frame


@given(st.lists(st.integers(0, 3)))
def test_frames_undo_deduplication(frames: list[int]) -> None:
    stream = deduplicate(25.0, np.array(frames, np.int32))
    assert stream.frames.tolist() == frames
    assert stream.durations.sum() == len(frames)
    assert not len(stream.ids) or (stream.durations.min() > 0 and (np.diff(stream.ids) != 0).all())
    assert stream.ids.dtype == stream.durations.dtype == stream.frames.dtype == np.int32


@given(st.lists(st.integers(0, 3)))
def test_each_begins_where_the_one_before_ends(frames: list[int]) -> None:
    for stream in (deduplicate(25.0, np.array(frames, np.int32)), frame_by_frame(25.0, np.array(frames, np.int32))):
        assert stream.frames[stream.begins].tolist() == stream.ids.tolist()
