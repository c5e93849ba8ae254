"""Which sources are gone through once more: as long as it gives something."""

from dataclasses import replace
from typing import Any

from weft.pipelines.mixing.supply import short
from weft.pipelines.store import Store


def rows(count: int, speakers: int) -> list[list[tuple[Any, ...]]]:
    return [[(10, 1.0, "", "", f"s{n % speakers}") for n in range(count)]]


def test_a_source_is_gone_through_until_it_suffices(store: Store, composed: Any, training: Any) -> None:
    for number in range(3):
        composed.add("a", rows(20, 20), number)
    stage = training(total=450, shares={"a": 1}, exhausted="repeat", passes=9)
    wanted = composed.wanted(stage)
    assert [bool(short(store, replace(wanted, passes=dict.fromkeys(wanted.passes, n)))) for n in (1, 2, 3)] == [
        True, True, False,
    ]  # fmt: skip


def test_where_speakers_have_what_they_may_no_further_pass_is_made(store: Store, composed: Any, training: Any) -> None:
    for number in range(3):
        composed.add("a", rows(20, 2), number)
    share = {"weight": 1, "most": {"speaker": 0.2}}
    stage = training(total=450, shares={"a": share}, exhausted="repeat", passes=9)
    wanted = composed.wanted(stage)
    assert [bool(short(store, replace(wanted, passes=dict.fromkeys(wanted.passes, n)))) for n in (1, 2)] == [
        True,
        False,
    ]
