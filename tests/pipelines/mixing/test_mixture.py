"""The mixture keeps its promise at every prefix, in exact arithmetic."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import cycle

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from weft.pipelines.mixing.mixture import Exhausted, weave

TASKS = st.lists(
    st.tuples(st.lists(st.integers(1, 60), min_size=1, max_size=7), st.integers(1, 100)), min_size=1, max_size=5
)


def shares(tasks: list[tuple[list[int], int]]) -> list[Fraction]:
    return [Fraction(parts, sum(p for _, p in tasks)) for _, parts in tasks]


@given(tasks=TASKS, size=st.integers(0, 900))
@example(tasks=[([1], 1), ([60], 1)], size=700)
@example(tasks=[([1], 99), ([60, 1], 1), ([7], 1)], size=900)
@settings(max_examples=200)
def test_every_prefix_is_within_the_bounds_of_the_docstring(tasks: list[tuple[list[int], int]], size: int) -> None:
    weights = shares(tasks)
    costs = [cycle(lengths) for lengths, _ in tasks]
    largest = [max(lengths) for lengths, _ in tasks]
    got = [0] * len(tasks)
    before = 0
    for task in weave([cycle(lengths) for lengths, _ in tasks], weights, size):
        before = sum(got)
        assert before < size
        got[task] += next(costs[task])
        for g, w, most in zip(got, weights, largest, strict=True):
            off = g - w * sum(got)
            assert -(1 - w) * most - w * max(largest) <= off <= (1 - w) * most
    assert sum(got) >= size


def test_the_example_of_the_docstring() -> None:
    assert list(weave([iter([3, 3, 3]), iter([9, 9])], [Fraction(1, 2)] * 2, 18)) == [0, 1, 0, 0]


def test_equal_samples_of_equal_weights_take_turns() -> None:
    assert list(weave([cycle([5]), cycle([5])], [Fraction(1, 2)] * 2, 40)) == [0, 1] * 4


@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=20), data=st.data())
def test_one_task_gives_its_samples_until_the_size_is_reached(lengths: list[int], data: st.DataObject) -> None:
    size = data.draw(st.integers(0, sum(lengths)))
    drawn = list(weave([iter(lengths)], [Fraction(1)], size))
    assert sum(lengths[: len(drawn)]) >= size
    assert not drawn or sum(lengths[: len(drawn) - 1]) < size


@given(tasks=TASKS, size=st.integers(1, 2000))
def test_a_task_that_holds_less_than_its_share_is_named(tasks: list[tuple[list[int], int]], size: int) -> None:
    weights = shares(tasks)
    endless = list(weave([cycle(lengths) for lengths, _ in tasks], weights, size))
    drawn: list[int] = []
    try:
        for task in weave([iter(lengths) for lengths, _ in tasks], weights, size):
            drawn.append(task)
    except Exhausted as end:
        assert drawn.count(end.task) == len(tasks[end.task][0])
        assert end.got == sum(tasks[end.task][0]) < size * weights[end.task]
        assert drawn == endless[: len(drawn)]
    else:
        assert drawn == endless


def test_a_task_without_samples_is_exhausted_at_once() -> None:
    with pytest.raises(Exhausted) as end:
        list(weave([iter([1, 1]), iter([])], [Fraction(1, 2)] * 2, 2))
    assert (end.value.task, end.value.got) == (1, 0)


def test_samples_are_taken_as_they_are_drawn() -> None:
    """At most one sample a task is held: a corpus is never read ahead."""
    taken = [0, 0]

    def count(task: int) -> Iterator[int]:
        while True:
            taken[task] += 1
            yield 3

    for n, _ in enumerate(weave([count(0), count(1)], [Fraction(1, 3), Fraction(2, 3)], 90)):
        assert sum(taken) <= n + 3
