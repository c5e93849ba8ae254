"""A tar says why it is written again: its own samples, or the plan."""

from collections.abc import Callable
from typing import Any

from weft.pipelines.mixing.plan import plan
from weft.pipelines.mixing.plan_files import read_tars
from weft.pipelines.mixing.shard_work import ShardWork
from weft.pipelines.mixing.shards import shard_done, write_shard
from weft.pipelines.mixing.tar_changes import tar_changes
from weft.pipelines.storage.store import Store

PARTS = [[(5 + n % 7, 1.0, "", "", "s") for n in range(20)] for _ in range(3)]


def whys(store: Store, composed: Any, training: Callable[..., Any], total: int) -> list[str]:
    """What the one tar of the stage says once all is planned anew; "" where it stands."""
    plan(store, composed.plan_request(training(unit="samples", total=total, shares={"a": 1})), {})
    (tar,) = read_tars(store, "pre")
    return [] if shard_done(store, "pre", tar) else tar_changes(store, "pre", tar)


def built(store: Store, composed: Any, training: Callable[..., Any]) -> None:
    composed.add("a", PARTS)
    plan(store, composed.plan_request(training(unit="samples", total=40, shares={"a": 1})), {})
    (tar,) = read_tars(store, "pre")
    write_shard(store, "pre", tar)


def test_a_plan_that_takes_more_or_fewer_blames_no_sample(store: Store, composed: Any, training: Any) -> None:
    built(store, composed, training)
    assert whys(store, composed, training, 40) == []
    assert whys(store, composed, training, 52) == ["plan/pre takes 12 more samples of it"]
    assert whys(store, composed, training, 39) == ["plan/pre takes 1 sample fewer of it"]


def test_a_sample_that_changed_is_counted(store: Store, composed: Any, training: Any) -> None:
    built(store, composed, training)
    composed.add("a", [[(99, *row[1:]) for row in PARTS[0]], *PARTS[1:]])
    (why,) = whys(store, composed, training, 40)
    assert why.endswith(" of its 40 samples changed") and 5 < int(why.split()[0]) <= 20


def test_samples_that_are_gone_are_not_the_plans_doing(store: Store, composed: Any, training: Any) -> None:
    built(store, composed, training)
    composed.add("a", [PARTS[0][:15], *PARTS[1:]])
    gone, more = whys(store, composed, training, 40)
    count = int(gone.split()[0])
    assert gone.endswith("gone from compose/a/pass-0/src") and 0 < count <= 5
    assert more.startswith(f"plan/pre takes {count} more sample")


def test_samples_that_came_are_new_in_what_is_composed(store: Store, composed: Any, training: Any) -> None:
    built(store, composed, training)
    composed.add("a", [PARTS[0] + [(5, 1.0)] * 6, *PARTS[1:]])
    new, fewer = whys(store, composed, training, 40)
    assert (
        " new in compose/a/pass-0/src" in new and fewer.startswith("plan/pre takes ") and fewer.endswith(" fewer of it")
    )


def test_the_work_says_so_and_what_is_not_there_has_no_reason(store: Store, composed: Any, training: Any) -> None:
    composed.add("a", PARTS)
    plan(store, composed.plan_request(training(unit="samples", total=40, shares={"a": 1})), {})
    work = ShardWork("pre", read_tars(store, "pre")[0])
    assert work.why(store) is None
    work.run(store)
    plan(store, composed.plan_request(training(unit="samples", total=41, shares={"a": 1})), {})
    work = ShardWork("pre", read_tars(store, "pre")[0])
    assert not work.done(store) and work.why(store) == ["plan/pre takes 1 more sample of it"]
