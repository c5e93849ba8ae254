"""Merging and cutting what a segmenter hears."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from weft.pipelines.segmenters.base import Segmenter, SpeakerSpan, cut, merge, overlaps, union

STEPS = st.lists(st.tuples(st.floats(0.01, 3), st.floats(0.01, 90)), max_size=15)


def spans_of(steps: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Speech in order and without overlap, from pairs of silence and speech."""
    spans, now = [], 0.0
    for silence, speech in steps:
        spans.append((now + silence, now + silence + speech))
        now = spans[-1][1]
    return spans


@given(steps=STEPS, gap=st.floats(0, 2), longest=st.floats(2, 60))
def test_merging_joins_over_short_pauses_alone(steps: list[tuple[float, float]], gap: float, longest: float) -> None:
    spans = spans_of(steps)
    merged = [
        (p.start, p.end) for p in merge([SpeakerSpan(start=start, end=end) for start, end in spans], gap, longest)
    ]
    assert {b for span in merged for b in span} <= {b for span in spans for b in span}
    assert all(any(b <= s[0] and s[1] <= e for b, e in merged) for s in spans), "no speech is lost"
    for one, two in pairwise(merged):
        first = next(s for s in spans if s[0] == two[0])
        assert one[1] < two[0]
        assert two[0] - one[1] > gap or first[1] - one[0] > longest, "what could be joined was"
    for begin, end in merged:
        inside = [s for s in spans if begin <= s[0] and s[1] <= end]
        assert len(inside) == 1 or end - begin <= longest
        assert all(two[0] - one[1] <= gap for one, two in pairwise(inside))


@given(steps=STEPS, longest=st.floats(1.1, 60))
def test_cutting_loses_nothing_and_leaves_nothing_too_long(steps: list[tuple[float, float]], longest: float) -> None:
    spans = spans_of(steps)
    pieces = [(p.start, p.end) for p in cut([SpeakerSpan(start=start, end=end) for start, end in spans], longest)]
    assert all(0 < e - b <= longest * (1 + 1e-9) for b, e in pieces)
    for begin, end in spans:
        inside = [p for p in pieces if begin <= p[0] and p[1] <= end]
        assert inside[0][0] == begin and inside[-1][1] == end
        assert all(one[1] == two[0] for one, two in pairwise(inside))
        lengths = [e - b for b, e in inside]
        assert max(lengths) - min(lengths) < 1e-6, "pieces are equal"
        assert len(inside) == 1 or end - begin > longest


def test_the_example_of_the_docstring() -> None:
    heard = [SpeakerSpan(0.4, 3.1, "A"), SpeakerSpan(3.5, 9.0, "A"), SpeakerSpan(8.2, 44.0, "B")]
    assert merge(heard, 2.0, 27.0) == [SpeakerSpan(0.4, 9.0, "A"), SpeakerSpan(8.2, 44.0, "B")]


def test_pieces_merge_while_the_speaker_stays_up_to_27_s_or_a_2_s_gap() -> None:
    assert merge([SpeakerSpan(0, 1, "A"), SpeakerSpan(3, 4, "A"), SpeakerSpan(6.1, 7, "A")], 2, 27) == [
        SpeakerSpan(0, 4, "A"),
        SpeakerSpan(6.1, 7, "A"),
    ]
    assert merge([SpeakerSpan(0, 20, "A"), SpeakerSpan(21, 27, "A"), SpeakerSpan(27, 28, "A")], 2, 27) == [
        SpeakerSpan(0, 27, "A"), SpeakerSpan(27, 28, "A"),
    ]  # fmt: skip
    assert len(merge([SpeakerSpan(0, 1, "A"), SpeakerSpan(1, 2, "B"), SpeakerSpan(2, 3, "A")], 2, 27)) == 3


@given(
    st.lists(
        st.tuples(st.floats(0, 50), st.floats(0.1, 20)).map(lambda p: SpeakerSpan(p[0], p[0] + p[1])), max_size=12
    ).map(lambda some: sorted(some, key=lambda p: p.start))
)
def test_overlap_is_what_others_cover_too(pieces: list[SpeakerSpan]) -> None:
    for number, (piece, shared) in enumerate(zip(pieces, overlaps(pieces), strict=True)):
        others = [(o.start, o.end) for n, o in enumerate(pieces) if n != number]
        alone = union([*others, (piece.start, piece.end)]) - union(others)
        assert shared == pytest.approx(piece.seconds - alone, abs=1e-9)


@pytest.mark.parametrize("wrong", [{"shortest": 0}, {"longest": 0.5}, {"gap": -1}, {"threshold": 0.5}], ids=str)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Segmenter.model_validate(wrong)
