"""Which sources are gone through once more: as long as it gives something."""

from dataclasses import replace
from typing import Any

import pytest

from weft.pipelines.mixing.plan import plan
from weft.pipelines.mixing.supply import short
from weft.pipelines.mixing.tree import PlanError
from weft.pipelines.storage.store import Store

SPEAKER = {"weight": 1, "most": {"speaker": 0.2}}


def rows(count: int, speakers: int) -> list[list[tuple[Any, ...]]]:
    return [[(10, 1.0, "", "", f"s{n % speakers}") for n in range(count)]]


def test_a_source_is_gone_through_until_it_suffices(store: Store, composed: Any, training: Any) -> None:
    for number in range(3):
        composed.add("a", rows(20, 20), number)
    stage = training(total=450, shares={"a": 1}, exhausted="repeat", passes=9)
    request = composed.plan_request(stage)
    assert [bool(short(store, replace(request, passes=dict.fromkeys(request.passes, n)))) for n in (1, 2, 3)] == [
        True, True, False,
    ]  # fmt: skip


@pytest.mark.parametrize(("speakers", "total"), [(2, 450), (5, 100)])
def test_where_speakers_have_what_they_may_no_further_pass_is_made(
    store: Store, composed: Any, training: Any, speakers: int, total: int
) -> None:
    """Two of a fifth each never fill a task. Five do, with four samples each of one pass that has as many."""
    composed.add("a", rows(4 * speakers, speakers))
    stage = training(total=total, shares={"a": SPEAKER}, exhausted="repeat", passes=9)
    assert short(store, composed.plan_request(stage)) == []


def test_speakers_who_hold_less_than_they_may_are_gone_through_again(
    store: Store, composed: Any, training: Any
) -> None:
    composed.add("a", rows(20, 10))
    stage = training(total=450, shares={"a": SPEAKER}, exhausted="repeat", passes=9)
    assert short(store, composed.plan_request(stage)) == [("a", "src")]


def test_where_all_passes_together_hold_too_little_none_is_made(store: Store, composed: Any, training: Any) -> None:
    """Of 100 samples, one pass may hold a fifth more than another: 5 passes of 1,000 never make 6,100, and may make 5,500."""
    composed.add("a", rows(100, 100))
    found = [
        bool(short(store, composed.plan_request(training(total=total, shares={"a": 1}, exhausted="repeat", passes=5))))
        for total in (5500, 6100)
    ]
    assert found == [True, False]


def test_a_plan_of_data_that_never_suffice_says_so(store: Store, composed: Any, training: Any) -> None:
    composed.add("a", rows(100, 100))
    stage = training(total=6100, shares={"a": 1}, exhausted="repeat", passes=5)
    with pytest.raises(
        PlanError, match=r"ran out after 100 samples in 1 of 5 passes .* no further pass can fill it: add data"
    ):
        plan(store, composed.plan_request(stage), {})
