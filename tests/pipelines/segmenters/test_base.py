"""Merging and cutting what a segmenter hears."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from weft.pipelines.segmenters.base import Segmenter, Span, cut, merge

STEPS = st.lists(st.tuples(st.floats(0.01, 3), st.floats(0.01, 90)), max_size=15)


def spans_of(steps: list[tuple[float, float]]) -> list[Span]:
    """Speech in order and without overlap, from pairs of silence and speech."""
    spans, now = [], 0.0
    for silence, speech in steps:
        spans.append((now + silence, now + silence + speech))
        now = spans[-1][1]
    return spans


@given(steps=STEPS, gap=st.floats(0, 2), longest=st.floats(2, 60))
def test_merging_joins_over_short_pauses_alone(steps: list[tuple[float, float]], gap: float, longest: float) -> None:
    spans = spans_of(steps)
    merged = merge(spans, gap, longest)
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
    pieces = cut(spans, longest)
    assert all(0 < e - b <= longest * (1 + 1e-9) for b, e in pieces)
    for begin, end in spans:
        inside = [p for p in pieces if begin <= p[0] and p[1] <= end]
        assert inside[0][0] == begin and inside[-1][1] == end
        assert all(one[1] == two[0] for one, two in pairwise(inside))
        lengths = [e - b for b, e in inside]
        assert max(lengths) - min(lengths) < 1e-6, "pieces are equal"
        assert len(inside) == 1 or end - begin > longest


def test_the_example_of_the_docstring() -> None:
    assert merge([(0.4, 3.1), (3.5, 9.0), (40.2, 44.0)], 0.6, 30.0) == [(0.4, 9.0), (40.2, 44.0)]


@pytest.mark.parametrize("wrong", [{"shortest": 0}, {"longest": 0.5}, {"gap": -1}, {"threshold": 0.5}], ids=str)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Segmenter.model_validate(wrong)
