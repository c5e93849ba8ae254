"""A branch keeps its promise at every prefix, as exact arithmetic with fractions does."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import cycle, islice

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from weft.pipelines.mixing.fair_queue import LONGEST, WHOLE, Branch, Draws, TooLong

CHILDREN = st.lists(
    st.tuples(st.lists(st.integers(1, 60), min_size=1, max_size=7), st.integers(1, 100)), min_size=1, max_size=5
)


class Fixed:
    """A leaf with these costs."""

    def __init__(self, costs: Sequence[int] | Iterator[int], leaf: int) -> None:
        self._costs, self._leaf = iter(costs), leaf
        self.ended = -1

    def take(self, count: int) -> Draws:
        costs = np.fromiter(islice(self._costs, count), np.int64)
        if not len(costs):
            self.ended = self._leaf
        return Draws(costs=costs, leaves=np.full(len(costs), self._leaf, np.int16))


def branch(children: Sequence[tuple[Sequence[int], int]], endless: bool = True) -> Branch:
    leaves = [Fixed(cycle(costs) if endless else costs, n) for n, (costs, _) in enumerate(children)]
    return Branch(leaves, [share for _, share in children])


def exactly(children: Sequence[tuple[Sequence[int], int]], size: int) -> list[int]:
    """The same rule in fractions of the stream: begin and end of each sample's flow, one child after another."""
    whole = sum(share for _, share in children)
    weights = [Fraction(share, whole) for _, share in children]
    costs = [cycle(lengths) for lengths, _ in children]
    heads, begins = [next(c) for c in costs], [Fraction(0)] * len(children)
    drawn, now = [], 0
    while now < size:
        ends = [b + h / w for b, h, w in zip(begins, heads, weights, strict=True)]
        pick = min((i for i, b in enumerate(begins) if b <= now), key=lambda i: (ends[i], i))
        drawn.append(pick)
        now, begins[pick], heads[pick] = now + heads[pick], ends[pick], next(costs[pick])
    return drawn


@given(children=CHILDREN, size=st.integers(1, 900))
@example(children=[([1], 1), ([60], 1)], size=700)
@example(children=[([1], 99), ([60, 1], 1), ([7], 1)], size=900)
@settings(max_examples=200)
def test_it_draws_as_exact_fractions_do(children: list[tuple[list[int], int]], size: int) -> None:
    drawn = branch(children).take(size, size)
    assert drawn.leaves.tolist() == exactly(children, size)
    assert drawn.costs[:-1].sum() < size <= drawn.costs.sum()


@given(children=CHILDREN, size=st.integers(1, 900), step=st.integers(1, 9))
def test_taking_a_few_at_a_time_changes_nothing(children: list[tuple[list[int], int]], size: int, step: int) -> None:
    piecemeal = branch(children)
    taken = np.concatenate([piecemeal.take(step).leaves for _ in range(-(-size // step))])
    assert taken.tolist()[:size] == branch(children).take(size).leaves.tolist()


@given(
    shares=st.lists(st.integers(1, WHOLE // 4), min_size=2, max_size=4),
    costs=st.lists(st.integers(1, LONGEST - 1), min_size=1, max_size=5),
)
def test_the_largest_numbers_do_not_overflow(shares: list[int], costs: list[int]) -> None:
    children = [([*costs[n:], *costs[:n]], share) for n, share in enumerate(shares)]
    size = 200 * sum(costs)
    drawn = branch(children).take(300, size).leaves.tolist()
    assert drawn == exactly(children, size)[:300]


@given(children=CHILDREN, size=st.integers(1, 900))
def test_every_prefix_is_within_the_bounds_of_the_docstring(children: list[tuple[list[int], int]], size: int) -> None:
    whole = sum(share for _, share in children)
    largest = [max(costs) for costs, _ in children]
    drawn = branch(children).take(size)
    got = [0] * len(children)
    for leaf, cost in zip(drawn.leaves.tolist(), drawn.costs.tolist(), strict=True):
        got[leaf] += cost
        for g, (_, share), most in zip(got, children, largest, strict=True):
            w = Fraction(share, whole)
            assert -(1 - w) * most - w * max(largest) <= g - w * sum(got) <= (1 - w) * most


@given(inner=st.lists(CHILDREN, min_size=1, max_size=3), shares=st.lists(st.integers(1, 9), min_size=3, max_size=3))
def test_a_tree_keeps_every_branch_to_its_own_draws(
    inner: list[list[tuple[list[int], int]]], shares: list[int]
) -> None:
    """What a branch draws does not depend on what stands above it."""
    first = [sum(len(children) for children in inner[:n]) for n in range(len(inner))]
    branches = [
        Branch([Fixed(cycle(c), at + n) for n, (c, _) in enumerate(children)], [s for _, s in children])
        for at, children in zip(first, inner, strict=True)
    ]
    drawn = Branch(branches, shares[: len(inner)]).take(400)
    for at, children in zip(first, inner, strict=True):
        mine = (drawn.leaves >= at) & (drawn.leaves < at + len(children))
        assert (drawn.leaves[mine] - at).tolist() == branch(children).take(int(mine.sum())).leaves.tolist()


def test_the_example_of_the_docstring() -> None:
    drawn = branch([([3, 3, 3], 1), ([9, 9], 1)]).take(4)
    assert (drawn.costs.tolist(), drawn.leaves.tolist()) == ([3, 9, 3, 3], [0, 1, 0, 0])


@given(children=CHILDREN)
def test_a_child_that_has_no_more_ends_the_branch_when_its_turn_comes(children: list[tuple[list[int], int]]) -> None:
    some = branch(children, endless=False)
    drawn = some.take(10_000)
    assert some.ended >= 0
    assert (drawn.leaves == some.ended).sum() == len(children[some.ended][0])
    assert drawn.leaves.tolist() == branch(children).take(len(drawn)).leaves.tolist()
    assert len(some.take(5)) == 0


def test_a_child_without_samples_ends_it_at_once() -> None:
    some = branch([([1, 1], 1), ([], 1)], endless=False)
    some.take(5)
    assert some.ended == 1


def test_the_end_of_a_leaf_is_reported_through_the_tree() -> None:
    inner = Branch([Fixed([1, 1], 7), Fixed([1], 8)], [1, 1])
    outer = Branch([Fixed(cycle([1]), 0), inner], [1, 1])
    outer.take(100)
    assert outer.ended == 8


def test_a_sample_that_counts_too_much_is_refused() -> None:
    with pytest.raises(TooLong, match="536,870,912"):
        branch([([LONGEST], 1)]).take(1)
