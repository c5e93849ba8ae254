"""No speaker fills more of a task than `most` allows of what the task gives, wherever the stage ends; plan and audit agree."""

from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from random import Random
from typing import Any

import pyarrow as pa
import pytest

from weft.pipelines.mixing.index import write_index
from weft.pipelines.mixing.plan import plan
from weft.pipelines.mixing.plan_files import ending, read_leaves, read_summary, read_tars, read_tree
from weft.pipelines.mixing.shards import write_shard
from weft.pipelines.mixing.shares import COLUMNS, OverBound, Shares
from weft.pipelines.mixing.stream_audit import StreamAudit
from weft.pipelines.mixing.stream_shares import shares_of
from weft.pipelines.mixing.tree import PlanError
from weft.pipelines.storage.store import Store
from weft.schemas.audit import StageAudit
from weft.schemas.training import TrainingStage

Training = Callable[..., TrainingStage]
ReadDraws = Callable[..., list[dict[str, Any]]]


def spoken(count: int, speakers: int, seed: int = 1) -> list[list[tuple[Any, ...]]]:
    """Samples of odd lengths; the first speakers have many, the last few."""
    random = Random(seed)
    rows = []
    for _ in range(count):
        who = min(int(random.expovariate(4 / speakers)), speakers - 1)
        rows.append((random.randint(3, 40), random.randint(1, 9) / 2, "", random.choice(["sad", "glad"]), f"s{who}"))
    return [rows[first : first + 50] for first in range(0, count, 50)]


def audited(store: Store, stage: TrainingStage, spaces: dict[str, str]) -> tuple[StageAudit, list[str]]:
    """The stage with its tars and index written, as the audit sees it."""
    for tar in read_tars(store, "pre"):
        write_shard(store, "pre", tar)
    write_index(store, "pre", {})
    faults: list[str] = []
    found = shares_of(StreamAudit(store, "pre", stage, spaces=spaces), faults)
    assert found
    return found, faults


def parts_of(draws: list[dict[str, Any]], task: str, unit: str) -> dict[str, Fraction]:
    """What each speaker counts of what the task gives."""
    column = {"seconds": "microseconds", "samples": None}.get(unit, "tokens")
    mine = [(d["speaker"], d[column] if column else 1) for d in draws if d["task"] == task]
    whole, counted = sum(cost for _, cost in mine), Counter[str]()
    for speaker, cost in mine:
        counted[speaker] += cost
    return {speaker: Fraction(cost, whole) for speaker, cost in counted.items()}


@pytest.mark.parametrize("unit", ["tokens", "seconds", "samples", "batches"])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_stage_that_stops_early_keeps_each_speaker_to_its_part_of_what_is_given(
    store: Store, composed: Any, training: Training, drawn: ReadDraws, unit: str, seed: int
) -> None:
    composed.add("a", spoken(400, 40, seed))
    composed.add("b", spoken(300, 9, seed))
    most = {"a": Fraction("0.06"), "b": Fraction("0.3")}
    shares = {task: {"weight": 2, "most": {"speaker": float(part)}} for task, part in most.items()}
    stage = training(unit=unit, total=1e6, shares=shares, exhausted="stop")
    plan(store, composed.plan_request(stage), {})
    draws = drawn()
    for task, part in most.items():
        assert max(parts_of(draws, task, unit).values()) <= part
    found, faults = audited(store, stage, {"src": "src"})
    assert faults == [] and len(draws) > 100
    assert found.ended.startswith("b/src ran out after ") and " of 1,000,000 " in found.ended


def test_a_stage_is_not_cut_shorter_than_its_bounds_need(
    store: Store, composed: Any, training: Training, drawn: ReadDraws
) -> None:
    """Ten speakers of 90 and twenty of 30: at a twentieth each, 1,200 is whole: 60 each of ten, and all of the others' 600."""
    rows = [(1, 1.0, "", "", f"long-{n % 10}") for n in range(900)] + [
        (1, 1.0, "", "", f"short-{n % 20}") for n in range(600)
    ]
    composed.add("a", [rows])
    stage = training(total=5000, shares={"a": {"weight": 1, "most": {"speaker": 0.05}}}, exhausted="stop")
    plan(store, composed.plan_request(stage), {})
    assert read_summary(store, "pre").drawn == pytest.approx(1200, abs=8)
    counted = Counter(d["speaker"] for d in drawn())
    assert 55 <= max(counted.values()) <= 60
    assert "10 of its 30 speakers have all that `most: {speaker: 0.05}` allows of what task a gives" in ending(
        store, "pre"
    )


def test_a_bound_that_does_not_bind_leaves_the_end_where_it_was(
    store: Store, composed: Any, training: Training
) -> None:
    composed.add("a", spoken(200, 20))
    for share in ({"weight": 1}, {"weight": 1, "most": {"speaker": 0.9}}):
        plan(store, composed.plan_request(training(total=1e6, shares={"a": share}, exhausted="stop")), {})
        assert read_summary(store, "pre").draws == 200
        assert "ran out after 200 samples in 1 pass over" in ending(store, "pre") and "most" not in ending(store, "pre")


@pytest.mark.parametrize("exhausted", [{"exhausted": "stop"}, {}, {"exhausted": "repeat", "passes": 9}])
def test_speakers_who_can_never_fill_a_task_are_refused_with_figures(
    store: Store, composed: Any, training: Training, exhausted: dict[str, Any]
) -> None:
    composed.add("a", spoken(400, 13))
    stage = training(total=6000, shares={"a": {"weight": 1, "most": {"speaker": 0.02}}}, **exhausted)
    wrong = (
        r"stage 'pre': the 13 speakers of a/src may fill 0\.02 of task a each \(`most: \{speaker: 0\.02\}`\), 0\.26 of it together, "
        r"and all of it is due of a/src; it takes 50 speakers, or `most: \{speaker: 0\.077\}`"
    )
    with pytest.raises(PlanError, match=wrong):
        plan(store, composed.plan_request(stage), {})
    assert not store.exists("plan/pre.json")


def test_a_source_whose_speakers_cannot_fill_its_share_is_refused_with_the_share_that_they_can(
    store: Store, composed: Any, training: Training
) -> None:
    composed.add("a", spoken(200, 2), source="few")
    composed.add("a", spoken(400, 30), source="many")
    share = {"weight": 1, "by": [{"source": {"few": 1, "many": 1}}], "most": {"speaker": 0.2}}
    wrong = (
        r"the 2 speakers of a/few .*, 0\.4 of it together, and a/few is due 0\.5 of it; it takes 3 speakers, "
        r"`most: \{speaker: 0\.25\}`, or a share of 0\.4$"
    )
    with pytest.raises(PlanError, match=wrong):
        plan(store, composed.plan_request(training(total=600, shares={"a": share})), {})


def test_speakers_who_hold_too_little_are_counted_and_the_bound_that_would_do_is_named(
    store: Store, composed: Any, training: Training
) -> None:
    rows = [(10, 1.0, "", "", "loud") for _ in range(100)] + [(10, 1.0, "", "", f"s{n}") for n in range(20)]
    composed.add("a", [rows])
    stage = training(total=600, shares={"a": {"weight": 1, "most": {"speaker": 0.1}}})
    wrong = (
        r"1 of its 21 speakers has all that `most: \{speaker: 0\.1\}` allows of what task a gives\); add speakers, raise `most` to "
        r"about 0\.667, lower `total`"
    )
    with pytest.raises(PlanError, match=wrong):
        plan(store, composed.plan_request(stage), {})


@pytest.mark.parametrize(("space", "may"), [({}, 40), ({"one": "people", "two": "people"}, 20)])
def test_one_name_in_two_sources_is_two_persons_unless_they_share_a_space(
    store: Store, composed: Any, training: Training, drawn: ReadDraws, space: dict[str, str], may: int
) -> None:
    composed = type(composed)(store, spaces=space)
    for source in ("one", "two"):
        composed.add("a", [[(1, 1.0, "", "", "1") for _ in range(60)] + [(1, 1.0)] * 100], source=source)
    stage = training(total=200, shares={"a": {"weight": 1, "most": {"speaker": 0.1}}})
    plan(store, composed.plan_request(stage), {})
    counted = Counter(d["speaker"] for d in drawn())
    assert sum(n for name, n in counted.items() if name) == may
    spaces = {source: space.get(source, source) for source in ("one", "two")}
    assert audited(store, stage, spaces)[1] == []
    assert set(counted) - {""} == {f"{name}/1" for name in spaces.values()}
    if not space:  # were they one person, it would have twice what it may
        (fault,) = audited(store, stage, dict.fromkeys(spaces, "people"))[1]
        assert fault.startswith("pre: speaker 'people/1' fills 40 of the 200 tokens of a: 20.00%")


def rows(*speakers: tuple[str, int]) -> pa.Table:
    """Index rows of one task and source, a speaker and its tokens each."""
    known = {"task": "a", "source": "src", "language": "", "emotion": "", "level": 0, "split": "train", "seconds": 1.0}
    each = [{**known, "recording": "talk-0123456789ab", "speaker": who, "tokens": n} for who, n in speakers]
    return pa.Table.from_pylist(each).select(COLUMNS)


def test_the_audit_counts_what_is_felt_by_its_level(store: Store, composed: Any, training: Training) -> None:
    composed.add("a", [[(1, 1.0)] * 9])
    stage = training(total=9, shares={"a": 1})
    plan(store, composed.plan_request(stage), {})
    shares = Shares(read_tree(store, "pre"), stage, {"src": "src"})
    table = rows(("ann", 10), ("bob", 60), ("eve", 5), ("joe", 1))
    emotions, levels = pa.array(["sad", "sad", "", "happy"]), pa.array([3, 1, 0, 0], table.schema.field("level").type)
    names = table.column_names
    table = table.set_column(names.index("emotion"), "emotion", emotions).set_column(
        names.index("level"), "level", levels
    )
    shares.add(table)
    felt = [(group.value, group.tokens) for group in shares.groups() if group.kind == "emotion"]
    assert felt == [("sad 1", 60), ("sad 3", 10), ("happy", 1)]


@pytest.mark.parametrize(("loud", "over"), [(20, ()), (21, (("src/loud", 21, 101),))])
def test_the_audit_tells_a_speaker_beyond_its_part_of_what_the_task_gives(
    store: Store, composed: Any, training: Training, loud: int, over: tuple[tuple[str, int, int], ...]
) -> None:
    """However large the task was declared. Nobody is bounded whom nobody names."""
    composed.add("a", [[(1, 1.0)] * 9])
    stage = training(total=10_000, shares={"a": {"weight": 1, "most": {"speaker": 0.2}}}, exhausted="stop")
    plan(store, composed.plan_request(stage), {})
    shares = Shares(read_tree(store, "pre"), stage, {"src": "src"})
    shares.add(rows(("loud", 10), ("", 60)))
    shares.add(rows(("loud", loud - 10), ("low", 20)))
    wanted = [OverBound(task="a", speaker=who, cost=cost, given=given, most=0.2) for who, cost, given in over]
    assert list(shares.over_bound()) == wanted


def test_roles_of_dialogues_are_another_speaker_in_each(store: Store, composed: Any, training: Training) -> None:
    composed.add("a", [[(1, 1.0)] * 9])
    stage = training(total=100, shares={"a": {"weight": 1, "most": {"speaker": 0.2}}}, exhausted="stop")
    plan(store, composed.plan_request(stage), {})
    table = pa.concat_tables(
        rows(("caller", 15)).set_column(1, "recording", pa.array([f"talk-{n:012x}"])) for n in range(8)
    )
    assert COLUMNS[1] == "recording"
    over_bound = {}
    for name, spaces in (("roles", {}), ("one space", {"src": "people"})):
        shares = Shares(read_tree(store, "pre"), stage, spaces)
        shares.add(table)
        over_bound[name] = [over.speaker for over in shares.over_bound()]
    assert over_bound == {"roles": [], "one space": ["people/caller"]}


def test_a_plan_bounds_a_role_in_each_dialogue_by_itself(
    store: Store, composed: Any, training: Training, drawn: ReadDraws
) -> None:
    composed = type(composed)(store, spaces={"src": ""})
    composed.add("a", [[(1, 1.0, "", "", "caller")] * 50])
    plan(store, composed.plan_request(training(total=50, shares={"a": {"weight": 1, "most": {"speaker": 0.1}}})), {})
    assert len({d["speaker"] for d in drawn()}) == 50


def test_what_was_passed_over_is_counted_by_source(store: Store, composed: Any, training: Training) -> None:
    """The figures of the audit's epochs: a bound passed over 80 samples before the last that was drawn, and none elsewhere."""
    composed.add("a", [[(1, 1.0, "", "", "loud" if n % 2 else f"s{n}") for n in range(200)]])
    composed.add("b", [[(1, 1.0)] * 50])
    stage = training(unit="samples", total=120, shares={"a": {"weight": 5, "most": {"speaker": 0.1}}, "b": 1})
    plan(store, composed.plan_request(stage), {})
    found, faults = audited(store, stage, {"src": "src"})
    skipped = {epoch.task: epoch.skipped for epoch in found.epochs}
    (leaf, other) = read_leaves(store, "pre")
    assert faults == [] and skipped == {"a": leaf.skipped, "b": 0} and other.skipped == 0 and leaf.skipped > 50
