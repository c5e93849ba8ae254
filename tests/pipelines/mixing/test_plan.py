"""The plan: exact at every node and prefix in every unit, each row once a pass, and tars that other samples do not move."""

from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from itertools import cycle, islice
from random import Random
from typing import Any

import pytest

from weft.pipelines.mixing.plan import plan, plan_validation
from weft.pipelines.mixing.plan_files import ending, plan_files, read_leaves, read_summary, read_tars, read_tree
from weft.pipelines.mixing.plan_request import PlanRequest, size_of
from weft.pipelines.mixing.tree import PlanError
from weft.pipelines.storage.store import Store
from weft.schemas.plan import VALIDATION
from weft.schemas.training import TrainingStage

Training = Callable[..., TrainingStage]
ReadDraws = Callable[..., list[dict[str, Any]]]
LENGTHS = cycle([(5, 0.5), (11, 1.25), (30, 3.0), (8, 0.001)])


def lengths(parts: int, rows: int, *labels: str) -> list[list[tuple[Any, ...]]]:
    return [[(*length, *labels) for length in islice(LENGTHS, rows)] for _ in range(parts)]


def cost(unit: str, draw: dict[str, Any]) -> int:
    return {"tokens": draw["tokens"], "batches": draw["tokens"], "seconds": draw["microseconds"]}.get(unit, 1)


def within_one_sample(
    unit: str, draws: list[dict[str, Any]], shares: dict[Any, Fraction], of: Callable[..., Any]
) -> None:
    """Every prefix of the draws keeps each share, by `of` a draw, within the bounds of fair_queue."""
    longest = {key: max((cost(unit, d) for d in draws if of(d) == key), default=0) for key in shares}
    got = dict.fromkeys(shares, 0)
    for draw in draws:
        got[of(draw)] += cost(unit, draw)
        whole = sum(got.values())
        for key, share in shares.items():
            off = got[key] - share * whole
            assert -(1 - share) * longest[key] - share * max(longest.values()) <= off <= (1 - share) * longest[key], (
                key,
                float(off),
            )


@pytest.mark.parametrize(
    ("unit", "total"), [("tokens", 700), ("batches", 90), ("seconds", 60.5), ("samples", 55), ("weights", 55)]
)
def test_every_prefix_is_exact_in_its_unit(
    store: Store, composed: Any, training: Training, drawn: ReadDraws, unit: str, total: float
) -> None:
    stage = training(unit=unit, total=total, shares={"a": 5, "b": 3, "c": 2}, exhausted="stop")
    for task in "abc":
        composed.add(task, lengths(4, 25))
    plan(store, composed.plan_request(stage), {})
    draws = drawn()
    within_one_sample(unit, draws, stage.mixture.weights, lambda d: d["task"])
    costs = [cost(unit, d) for d in draws]
    assert sum(costs[:-1]) < size_of(stage) <= sum(costs) == read_summary(store, "pre").drawn


@pytest.mark.parametrize("unit", ["tokens", "seconds", "samples"])
def test_sources_of_a_task_are_drawn_in_proportion_to_what_they_hold(
    store: Store, composed: Any, training: Training, drawn: ReadDraws, unit: str
) -> None:
    """At every prefix: a source is not drawn empty before the next begins, and none is left out."""
    for source, parts in (("big", 8), ("middle", 3), ("small", 1)):
        composed.add("a", lengths(parts, 25), source=source)
    composed.add("b", lengths(4, 25), source="other")
    stage = training(unit=unit, total={"tokens": 1500}.get(unit, 120), shares={"a": 2, "b": 1}, exhausted="stop")
    plan(store, composed.plan_request(stage), {})
    shares = {
        n.value: Fraction(n.share, n.whole)
        for n in read_tree(store, "pre").nodes
        if n.level == "source" and n.path[0] == "a"
    }
    assert [round(float(shares[s]), 2) for s in ("big", "middle", "small")] == pytest.approx(
        [8 / 12, 3 / 12, 1 / 12], abs=0.02
    )
    draws = [d for d in drawn() if d["task"] == "a"]
    within_one_sample(unit, draws, shares, lambda d: d["source"])
    assert {d["source"] for d in draws} == {"big", "middle", "small"}


def test_declared_shares_and_temperature_hold_at_every_prefix_of_their_parent(
    store: Store, composed: Any, training: Training, drawn: ReadDraws
) -> None:
    random = Random(3)
    for source, odds in (("x", ["en"] * 6 + ["fr"]), ("y", ["en", "de"])):
        parts = [[(random.randint(3, 40), 1.0, random.choice(odds)) for _ in range(60)] for _ in range(4)]
        composed.add("a", parts, source=source)
    by = [{"source": {"x": 1, "y": 2}}, {"language": {"temperature": 0.5}}]
    stage = training(total=3000, shares={"a": {"weight": 1, "by": by}})
    plan(store, composed.plan_request(stage), {})
    draws = drawn()
    within_one_sample("tokens", draws, {"x": Fraction(1, 3), "y": Fraction(2, 3)}, lambda d: d["source"])
    for source in "xy":
        nodes = [n for n in read_tree(store, "pre").nodes if n.path.startswith(f"a/{source}/")]
        assert sum(n.share for n in nodes) == 2**32 and all(n.rounded for n in nodes)
        shares = {n.value: Fraction(n.share, n.whole) for n in nodes}
        within_one_sample("tokens", [d for d in draws if d["source"] == source], shares, lambda d: d["language"])
    held = Counter({"en": 0, "fr": 0})
    english, french = (
        next(n for n in read_tree(store, "pre").nodes if n.path == f"a/x/{lang}") for lang in ("en", "fr")
    )
    assert english.share / french.share == pytest.approx(6**0.5, rel=0.25), held


def test_emotions_below_languages_hold_at_every_prefix(
    store: Store, composed: Any, training: Training, drawn: ReadDraws
) -> None:
    random = Random(5)
    rows = [
        (random.randint(3, 40), 1.0, random.choice(["de", "en", "en"]), random.choice(["happy", "sad", "sad"]))
        for _ in range(400)
    ]
    composed.add("a", [rows[first : first + 100] for first in range(0, 400, 100)])
    by = [{"language": {"en": 3, "de": 1}}, {"emotion": {"happy": 1, "sad": 1}}]
    plan(store, composed.plan_request(training(total=2000, shares={"a": {"weight": 1, "by": by}})), {})
    draws = drawn()
    within_one_sample("tokens", draws, {"en": Fraction(3, 4), "de": Fraction(1, 4)}, lambda d: d["language"])
    halves = {"happy": Fraction(1, 2), "sad": Fraction(1, 2)}
    for language in ("en", "de"):
        within_one_sample("tokens", [d for d in draws if d["language"] == language], halves, lambda d: d["emotion"])


def test_a_speaker_fills_no_more_than_its_bound(
    store: Store, composed: Any, training: Training, drawn: ReadDraws
) -> None:
    parts = [[(10, 1.0, "", "", "loud" if n % 2 else f"s{n}") for n in range(40)] for _ in range(4)]
    composed.add("a", parts)
    stage = training(total=600, shares={"a": {"weight": 1, "most": {"speaker": 0.1}}})
    plan(store, composed.plan_request(stage), {})
    spoken = Counter(d["speaker"] for d in drawn())
    assert spoken["src/loud"] * 10 == 60
    (leaf,) = read_leaves(store, "pre")
    assert leaf.samples == 60 and leaf.skipped > 30


def test_a_source_of_few_speakers_may_fill_their_bounds_of_the_task(
    store: Store, composed: Any, training: Training, drawn: ReadDraws
) -> None:
    """Half of the task comes from two speakers, who may have three tenths of it each."""
    composed.add("a", [[(10, 1.0, "", "", f"few-{n % 2}") for n in range(40)] for _ in range(4)], source="few")
    composed.add("a", [[(10, 1.0, "", "", f"many-{n}") for n in range(40)] for _ in range(4)], source="many")
    by = [{"source": {"few": 1, "many": 1}}]
    plan(
        store,
        composed.plan_request(training(total=400, shares={"a": {"weight": 1, "by": by, "most": {"speaker": 0.3}}})),
        {},
    )
    spoken, draws = Counter(d["speaker"] for d in drawn()), drawn()
    assert spoken["few/few-0"] + spoken["few/few-1"] == 20 and max(spoken.values()) * 10 <= 120
    within_one_sample("tokens", draws, {"few": Fraction(1, 2), "many": Fraction(1, 2)}, lambda d: d["source"])


def test_a_speaker_of_several_leaves_fills_its_bound_in_all_of_them_together(
    store: Store, composed: Any, training: Training, drawn: ReadDraws
) -> None:
    rows = [(10, 1.0, "", ("happy", "sad", "sad")[n % 3], "loud" if n % 4 else f"s{n}") for n in range(240)]
    composed.add("a", [rows[first : first + 60] for first in range(0, 240, 60)])
    share = {"weight": 1, "by": [{"emotion": {"happy": 1, "sad": 2}}], "most": {"speaker": 0.2}}
    plan(store, composed.plan_request(training(total=600, shares={"a": share}, exhausted="stop")), {})
    spoken = Counter(d["speaker"] for d in drawn())
    assert 100 <= spoken["src/loud"] * 10 <= 120


def test_a_task_that_its_bounds_leave_short_says_so(store: Store, composed: Any, training: Training) -> None:
    composed.add("a", [[(10, 1.0, "", "", f"s{n % 2}") for n in range(40)] for _ in range(4)])
    stage = training(total=600, shares={"a": {"weight": 1, "most": {"speaker": 0.2}}}, exhausted="repeat", passes=9)
    with pytest.raises(PlanError, match=r"it takes 5 speakers, or `most: \{speaker: 0\.5\}`"):
        plan(store, composed.plan_request(stage), {})


def test_every_row_is_drawn_once_a_pass_and_in_its_order(
    store: Store, composed: Any, training: Training, drawn: ReadDraws
) -> None:
    for n in range(3):
        composed.add("a", lengths(3, 20), n)
    composed.add("b", lengths(5, 20))
    stage = training(total=2500, shares={"a": 1, "b": 1}, exhausted="repeat", passes=3)
    plan(store, composed.plan_request(stage), {})
    draws = drawn()
    seen = Counter((d["task"], d["pass_number"], d["part"], d["row"]) for d in draws)
    assert max(seen.values()) == 1
    for task in "ab":
        places = [(d["pass_number"], d["place"]) for d in draws if d["task"] == task]
        assert places == sorted(places)
        assert [p for n in range(3) for p in sorted(x for m, x in places if m == n)] == [x for _, x in places]
        for n in range(max(p for p, _ in places)):
            assert sum(p == n for p, _ in places) == 60, "a pass is drawn whole before the next begins"


def test_parts_are_shuffled_into_each_other(store: Store, composed: Any, training: Training, drawn: ReadDraws) -> None:
    """Utterances of one recording lie in one part; they must not follow each other in the stream."""
    composed.add("a", [[(5, 1.0)] * 50 for _ in range(8)])
    plan(store, composed.plan_request(training(unit="samples", total=400, shares={"a": 1})), {})
    parts = [d["part"] for d in drawn()]
    assert sorted(parts) == sorted([*range(8)] * 50)
    assert max(Counter(parts[:40]).values()) < 15


def test_passes_come_in_different_orders(store: Store, composed: Any, training: Training, drawn: ReadDraws) -> None:
    for n in range(2):
        composed.add("a", [[(5, 1.0)]] * 32, n)
    stage = training(unit="samples", total=64, shares={"a": 1}, exhausted="repeat", passes=2)
    plan(store, composed.plan_request(stage), {})
    parts = [d["part"] for d in drawn()]
    assert sorted(parts[:32]) == sorted(parts[32:]) == list(range(32))
    assert parts[:32] != parts[32:]


class TestAfter:
    """A later stage goes on in the data where those before it ended."""

    def stages(self, store: Store, composed: Any, training: Training, second: dict[str, Any]) -> None:
        first = training(unit="samples", total=70, shares={"a": 1})
        plan(store, composed.plan_request(first, "one"), {})
        stage = training(unit="samples", exhausted="repeat", passes=2, after=["one"], **second)
        plan(store, composed.plan_request(stage, "two", after=("one",)), {})

    def test_nothing_is_drawn_again_before_the_data_ends(
        self, store: Store, composed: Any, training: Training, drawn: ReadDraws
    ) -> None:
        for n in range(2):
            composed.add("a", lengths(2, 30), n, source="x")
            composed.add("a", lengths(1, 30), n, source="y")
        self.stages(store, composed, training, {"total": 60, "shares": {"a": 1}})
        keys = [(d["source"], d["pass_number"], d["part"], d["row"]) for name in ("one", "two") for d in drawn(name)]
        assert len(set(keys)) == 130
        first = [key for key in keys if key[1] == 0]
        assert len(first) == 90, "the first pass is drawn whole"

    def test_leaves_that_are_cut_otherwise_go_on_too(
        self, store: Store, composed: Any, training: Training, drawn: ReadDraws
    ) -> None:
        random = Random(1)
        for n in range(2):
            composed.add("a", [[(5, 1.0, random.choice(["en", "fr"])) for _ in range(50)] for _ in range(2)], n)
        by = {"a": {"weight": 1, "by": [{"language": {"en": 1, "fr": 1}}]}}
        self.stages(store, composed, training, {"total": 25, "shares": by})
        keys = [(d["pass_number"], d["part"], d["row"]) for name in ("one", "two") for d in drawn(name)]
        assert len(set(keys)) == 95

    def test_a_speakers_bound_and_data_drawn_before_are_both_kept(
        self, store: Store, composed: Any, training: Training, drawn: ReadDraws
    ) -> None:
        for n in range(2):
            composed.add("a", [[(5, 1.0, "", "", f"s{i % 4}") for i in range(50)] for _ in range(2)], n)
        self.stages(store, composed, training, {"total": 40, "shares": {"a": {"weight": 1, "most": {"speaker": 0.3}}}})
        assert max(Counter(d["speaker"] for d in drawn("two")).values()) <= 12
        keys = [(d["pass_number"], d["part"], d["row"]) for name in ("one", "two") for d in drawn(name)]
        assert len(set(keys)) == 110


def test_a_stage_whose_data_the_stages_before_have_used_up_is_refused(
    store: Store, composed: Any, training: Training
) -> None:
    """`exhausted: stop` lets a stage end early, but not before its first draw."""
    composed.add("a", lengths(1, 5))
    one = training(unit="samples", total=5, shares={"a": 1})
    plan(store, composed.plan_request(one, "one"), {})
    two = training(unit="samples", total=3, shares={"a": 1}, exhausted="stop", after=["one"])
    with pytest.raises(PlanError, match=r"stage 'two': a/src ran out after 0 samples in 1 pass"):
        plan(store, composed.plan_request(two, "two", after=("one",)), {})


def test_stop_ends_the_stream_where_a_task_runs_out_and_says_so(
    store: Store, composed: Any, training: Training, drawn: ReadDraws
) -> None:
    stage = training(unit="samples", total=1000, shares={"a": 1, "b": 1}, exhausted="stop")
    composed.add("a", lengths(1, 40))
    composed.add("b", lengths(1, 7))
    plan(store, composed.plan_request(stage), {})
    counted = Counter(d["task"] for d in drawn())
    assert counted["b"] == 7 and counted["a"] in (7, 8)
    assert (
        ending(store, "pre")
        == f"b/src ran out after 7 samples in 1 pass over its data, at {counted.total()} of 1,000 samples"
    )


def test_a_whole_stage_has_no_ending(store: Store, composed: Any, training: Training) -> None:
    composed.add("a", lengths(1, 40))
    plan(store, composed.plan_request(training(unit="samples", total=40, shares={"a": 1})), {})
    assert ending(store, "pre") == ""


def test_an_error_says_what_ran_out_and_what_to_do(store: Store, composed: Any, training: Training) -> None:
    stage = training(total=1000, shares={"a": 1, "b": 1})
    composed.add("a", [[(10, 1.0)] * 60])
    composed.add("b", [[(10, 1.0)] * 3])
    with pytest.raises(PlanError, match=r"stage 'pre': b/src ran out after 3 samples in 1 pass .* `exhausted: repeat`"):
        plan(store, composed.plan_request(stage), {})
    assert not store.exists("plan/pre.json")


def test_text_has_no_seconds_to_be_mixed_in(store: Store, composed: Any, training: Training) -> None:
    composed.add("text", [[(10, 0.0)]])
    with pytest.raises(PlanError, match="a sample of task 'text' counts 0 seconds; declare this mixture in tokens"):
        plan(store, composed.plan_request(training(unit="seconds", total=10, shares={"text": 1})), {})


def test_a_task_without_samples_is_named(store: Store, composed: Any, training: Training) -> None:
    composed.add("a", [[]])
    with pytest.raises(PlanError, match="task 'a' has no samples"):
        plan(store, composed.plan_request(training(total=10, shares={"a": 1})), {})


def test_empty_parts_are_passed_over(store: Store, composed: Any, training: Training, drawn: ReadDraws) -> None:
    composed.add("a", [[], [(5, 1.0)] * 4, []])
    plan(store, composed.plan_request(training(unit="samples", total=4, shares={"a": 1})), {})
    assert [d["part"] for d in drawn()] == [1] * 4
    assert [tar.parts for tar in read_tars(store, "pre")] == [(1,)]


def test_chunks_do_not_change_the_plan(
    store: Store, composed: Any, training: Training, drawn: ReadDraws, monkeypatch: pytest.MonkeyPatch
) -> None:
    composed.add("a", lengths(3, 40))
    composed.add("b", lengths(3, 40))
    request = composed.plan_request(training(total=900, shares={"a": 2, "b": 1}))
    plan(store, request, {})
    whole = drawn()
    monkeypatch.setattr("weft.pipelines.mixing.plan.CHUNK", 7)
    plan(store, request, {})
    assert drawn() == whole


def test_the_order_of_keys_in_a_recipe_changes_nothing(store: Store, composed: Any, training: Training) -> None:
    for task in "ab":
        for source in "xy":
            composed.add(task, lengths(2, 30), source=source)
    files = []
    for tasks, sources in (("ab", "xy"), ("ba", "yx")):
        by = [{"source": {s: {"x": 2, "y": 1}[s] for s in sources}}]
        stage = training(total=900, shares={t: {"weight": {"a": 2, "b": 1}[t], "by": by} for t in tasks})
        request = composed.plan_request(stage)
        plan(store, PlanRequest("pre", stage, dict(sorted(request.passes.items(), reverse=tasks == "ba"))), {})
        files.append([store.read(name) for name in plan_files("pre")])
    assert files[0] == files[1]


def test_shares_that_no_float_can_hold(store: Store, composed: Any, training: Training, drawn: ReadDraws) -> None:
    stage = training(unit="samples", budgets={"a": 0.1, "b": 0.2}, scale=100)
    composed.add("a", lengths(1, 20))
    composed.add("b", lengths(1, 30))
    plan(store, composed.plan_request(stage), {})
    assert stage.mixture.weights == {"a": Fraction(1, 3), "b": Fraction(2, 3)}
    assert Counter(d["task"] for d in drawn()) == {"a": 10, "b": 20}


def test_validation_is_drawn_whole_and_in_proportion(store: Store, composed: Any, drawn: ReadDraws) -> None:
    for task, source, rows in (("a", "x", 30), ("a", "y", 10), ("b", "x", 5), ("c", "x", 0)):
        composed.add(task, lengths(1, rows), VALIDATION, source=source)
    plan_validation(store, [("a", "x"), ("a", "y"), ("b", "x"), ("c", "x")], {})
    draws = drawn("validation")
    assert Counter((d["task"], d["source"]) for d in draws) == {("a", "x"): 30, ("a", "y"): 10, ("b", "x"): 5}
    within_one_sample("samples", draws[:40], {"a": Fraction(40, 45), "b": Fraction(5, 45)}, lambda d: d["task"])


def test_nothing_held_out_is_an_empty_plan(store: Store, drawn: ReadDraws) -> None:
    assert plan_validation(store, [], {}) == 0
    assert drawn("validation") == []


class TestTars:
    """Parts of 10 samples of about 2 kB each; tars of 100 kB."""

    @pytest.fixture
    def small(self, composed: Any) -> Any:
        return type(composed)(composed.store, 1e5)

    def tars(self, store: Store, composed: Any, stage: TrainingStage) -> dict[str, list[int]]:
        """The digests of each tar's samples."""
        from weft.pipelines.mixing.shards import contents_of

        plan(store, composed.plan_request(stage), {})
        return {tar.name: contents_of(store, "pre", tar).digests.tolist() for tar in read_tars(store, "pre")}

    @pytest.mark.parametrize("seed", range(5))
    def test_a_longer_sample_rewrites_its_own_tar_and_the_last_of_each_leaf(
        self, store: Store, small: Any, training: Training, seed: int
    ) -> None:
        stage = training(total=30_000, shares={"a": 1, "b": 1})
        parts = {of: [[(60, 1.0)] * 10 for _ in range(16)] for of in ("ax", "ay", "bx", "by")}
        for of, lengths_of in parts.items():
            small.add(of[0], lengths_of, source=of[1])
        before = self.tars(store, small, stage)
        part = Random(seed).randrange(16)
        parts["ax"][part][3] = (120, 1.0)
        small.add("a", parts["ax"], source="x")
        after = self.tars(store, small, stage)
        changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
        # the last of a leaf before may be empty after
        last = {name for tars in (before, after) for name in {name.split("-")[1]: name for name in tars}.values()}
        assert len(after) > 8
        assert len(changed - last) <= 1

    def test_a_part_added_renames_no_tar(self, store: Store, small: Any, training: Training) -> None:
        stage = training(total=1e6, shares={"a": 1}, exhausted="stop")
        small.add("a", [[(5, 1.0)] * 10] * 32)
        before = self.tars(store, small, stage)
        small.add("a", [[(5, 1.0)] * 10] * 33)
        after = self.tars(store, small, stage)
        assert set(before) <= set(after)

    def test_leaves_and_passes_never_share_a_tar(
        self, store: Store, small: Any, training: Training, drawn: ReadDraws
    ) -> None:
        for n in (0, 1):
            for task in "ab":
                for source in "xy":
                    small.add(task, [[(5, 1.0)] * 10] * 9, n, source=source)
        stage = training(total=1e6, shares={"a": 1, "b": 1}, exhausted="stop")
        plan(store, small.plan_request(stage), {})
        holds: dict[str, set[tuple[Any, ...]]] = {}
        for d in drawn():
            holds.setdefault(d["tar"], set()).add((d["task"], d["source"], d["pass_number"]))
        assert all(len(of) == 1 for of in holds.values()) and len(holds) > 8

    def test_a_tar_is_about_as_large_as_asked(self, store: Store, small: Any, training: Training) -> None:
        small.add("a", [[(5, 1.0)] * 10] * 64)
        tars = self.tars(store, small, training(total=1e6, shares={"a": 1}, exhausted="stop"))
        sizes = [2048 * len(digests) for digests in tars.values()]
        assert 0.7e5 <= sum(sizes) / len(sizes) <= 1.4e5 and max(sizes) < 2e5

    def test_names_are_plain_whatever_a_language_is_called(self, store: Store, small: Any, training: Training) -> None:
        small.add("a", [[(5, 1.0, lang) for lang in ("en", "zh-Hant/TW", "", "../x", "ümlaut")] * 4])
        stage = training(total=1e6, shares={"a": {"weight": 1, "by": [{"language": "held"}]}}, exhausted="stop")
        names = list(self.tars(store, small, stage))
        assert len(set(names)) == 5
        assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-~.") for name in names)
