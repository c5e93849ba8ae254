"""The plan: exact in every unit, each row once a pass, and tars that other blocks do not move."""

from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from itertools import cycle, islice
from random import Random

import numpy as np
import pyarrow as pa
import pytest

from weft.pipelines.mixing.plan import PlanError, cost_column, plan, plan_names, size_of
from weft.pipelines.parts import read_part, read_table, stamp_of
from weft.pipelines.store import Store
from weft.schemas.plan import Block, Draw
from weft.schemas.training import TrainingStage

Compose = Callable[..., list[Block]]
Training = Callable[..., TrainingStage]
LENGTHS = cycle([(5, 0.5), (11, 1.25), (30, 3.0), (8, 0.001)])


def lengths(parts: int, rows: int) -> list[list[tuple[int, float]]]:
    return [list(islice(LENGTHS, rows)) for _ in range(parts)]


def planned(store: Store, stage: TrainingStage, blocks: list[Block]) -> tuple[list[Draw], list[Block]]:
    count = plan(store, "pre", stage, blocks, 1e9, 7, "fp")
    draws_name, blocks_name = plan_names("pre")
    draws = read_part(store, draws_name, Draw)
    assert count == len(draws)
    return draws, read_part(store, blocks_name, Block)


def cost(unit: str, draw: Draw) -> int:
    return {"tokens": draw.tokens, "batches": draw.tokens, "seconds": round(draw.seconds * 1e6)}.get(unit, 1)


@pytest.mark.parametrize(
    ("unit", "total"), [("tokens", 700), ("batches", 90), ("seconds", 60.5), ("samples", 55), ("weights", 55)]
)
def test_every_prefix_is_exact_in_its_unit(
    store: Store, compose: Compose, training: Training, unit: str, total: float
) -> None:
    stage = training(unit=unit, total=total, shares={"a": 5, "b": 3, "c": 2}, exhausted="stop")
    blocks = [b for task in "abc" for b in compose(store, task, lengths(4, 25))]
    draws, _ = planned(store, stage, blocks)
    weights = list(stage.mixture.weights.values())
    largest = [max(cost(unit, d) for d in draws if d.task == t) for t in range(3)]
    got = [0, 0, 0]
    for draw in draws:
        assert sum(got) < size_of(stage)
        got[draw.task] += cost(unit, draw)
        for g, w, most in zip(got, weights, largest, strict=True):
            assert -(1 - w) * most - w * max(largest) <= g - w * sum(got) <= (1 - w) * most
    assert sum(got) >= size_of(stage)


def test_sizes_are_counted_in_whole_units(training: Training) -> None:
    assert size_of(training(unit="tokens", total=1e6, shares={"a": 1}, scale=0.5)) == 500_000
    assert size_of(training(unit="batches", total=1000, shares={"a": 1})) == 8000
    assert size_of(training(unit="seconds", total=1.5, shares={"a": 1})) == 1_500_000
    assert size_of(training(unit="samples", budgets={"a": 7, "b": 2})) == 9


def test_costs_of_a_table() -> None:
    table = pa.table({"tokens": pa.array([3, 9], pa.int32()), "seconds": [0.5, 2.0000004]})
    assert cost_column("tokens", table).tolist() == [3, 9]
    assert cost_column("batches", table).tolist() == [3, 9]
    assert cost_column("seconds", table).tolist() == [500_000, 2_000_000]
    assert cost_column("samples", table).tolist() == cost_column("weights", table).tolist() == [1, 1]


def test_every_row_is_drawn_once_a_pass_and_in_order(store: Store, compose: Compose, training: Training) -> None:
    stage = training(total=2500, shares={"a": 1, "b": 1}, exhausted="repeat", passes=3)
    given = [b for n in range(3) for b in compose(store, "a", lengths(3, 20), n)]
    given += compose(store, "b", lengths(5, 20))
    draws, blocks = planned(store, stage, given)
    assert max(Counter((d.block, d.row) for d in draws).values()) == 1
    of_block: dict[int, list[int]] = {}
    for draw in draws:
        assert blocks[draw.block].task == "ab"[draw.task]
        of_block.setdefault(draw.block, []).append(draw.row)
    for number, block in enumerate(blocks):
        assert of_block.get(number, []) == list(range(block.used))
        table = read_table(store, f"{block.node}/part-{block.part:05d}.parquet", ["tokens", "seconds"])
        assert block.used <= len(table)
        drawn = [(d.tokens, d.seconds) for d in draws if d.block == number]
        assert drawn == list(zip(*table.slice(0, block.used).to_pydict().values(), strict=True))
    for task in (0, 1):
        order = [(blocks[d.block].pass_number, d.block) for d in draws if d.task == task]
        assert order == sorted(order), "a pass begins when the one before it was drawn whole, a block too"


def test_a_pass_is_drawn_whole_before_the_next_begins(store: Store, compose: Compose, training: Training) -> None:
    stage = training(unit="samples", total=25, shares={"a": 1}, exhausted="repeat", passes=3)
    given = [b for n in range(3) for b in compose(store, "a", [[(5, 1.0)] * 4, [(5, 1.0)] * 6], n)]
    draws, blocks = planned(store, stage, given)
    assert [blocks[d.block].pass_number for d in draws] == [0] * 10 + [1] * 10 + [2] * 5


def test_passes_come_in_different_orders(store: Store, compose: Compose, training: Training) -> None:
    stage = training(unit="samples", total=64, shares={"a": 1}, exhausted="repeat", passes=2)
    given = [b for n in range(2) for b in compose(store, "a", [[(5, 1.0)]] * 32, n)]
    draws, blocks = planned(store, stage, given)
    parts = [blocks[d.block].part for d in draws]
    assert sorted(parts[:32]) == sorted(parts[32:]) == list(range(32))
    assert parts[:32] != parts[32:]


def test_stop_ends_the_stream_where_a_task_runs_out(store: Store, compose: Compose, training: Training) -> None:
    stage = training(unit="samples", total=1000, shares={"a": 1, "b": 1}, exhausted="stop")
    draws, _ = planned(store, stage, compose(store, "a", lengths(1, 40)) + compose(store, "b", lengths(1, 7)))
    counted = Counter(d.task for d in draws)
    assert counted[1] == 7
    assert counted[0] in (7, 8)


def test_an_error_says_which_task_ran_out_and_what_to_do(store: Store, compose: Compose, training: Training) -> None:
    stage = training(total=1000, shares={"a": 1, "b": 1})
    blocks = compose(store, "a", [[(10, 1.0)] * 60]) + compose(store, "b", [[(10, 1.0)] * 3])
    with pytest.raises(PlanError, match=r"task 'b' ran out after 30 tokens in 1 pass over .* `exhausted: repeat`"):
        planned(store, stage, blocks)
    assert store.names("plan") == []


def test_an_error_counts_the_passes(store: Store, compose: Compose, training: Training) -> None:
    stage = training(unit="seconds", total=1000, shares={"a": 1}, exhausted="repeat", passes=2)
    blocks = [b for n in range(2) for b in compose(store, "a", [[(10, 1.5)] * 4], n)]
    with pytest.raises(PlanError, match="task 'a' ran out after 12 seconds in 2 passes"):
        planned(store, stage, blocks)


def test_text_has_no_seconds_to_be_mixed_in(store: Store, compose: Compose, training: Training) -> None:
    stage = training(unit="seconds", total=10, shares={"text": 1})
    with pytest.raises(PlanError, match="a sample of task 'text' counts 0 seconds; declare this mixture in tokens"):
        planned(store, stage, compose(store, "text", [[(10, 0.0)]]))


def test_an_empty_part_is_passed_over(store: Store, compose: Compose, training: Training) -> None:
    stage = training(unit="samples", total=4, shares={"a": 1})
    draws, blocks = planned(store, stage, compose(store, "a", [[], [(5, 1.0)] * 4, []]))
    assert [blocks[d.block].part for d in draws] == [1] * 4
    assert [b.shard for b in blocks if b.part != 1] == [-1, -1]


def test_plans_carry_their_fingerprint(store: Store, compose: Compose, training: Training) -> None:
    planned(store, training(total=10, shares={"a": 1}), compose(store, "a", [[(5, 1.0)] * 4]))
    for name in plan_names("pre"):
        stamp = stamp_of(store, name)
        assert stamp and stamp.fingerprint == "fp"


def test_chunks_do_not_change_the_plan(
    store: Store, compose: Compose, training: Training, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = training(total=900, shares={"a": 2, "b": 1})
    blocks = compose(store, "a", lengths(3, 40)) + compose(store, "b", lengths(3, 40))
    whole = planned(store, stage, blocks)
    monkeypatch.setattr("weft.pipelines.mixing.plan.CHUNK", 7)
    assert planned(store, stage, blocks) == whole


class TestTars:
    """Blocks of 10 samples, 20 480 bytes and their ids each; tars of 100 000 bytes."""

    def shards(self, store: Store, stage: TrainingStage, blocks: list[Block]) -> dict[Block, int]:
        plan(store, "pre", stage, blocks, 1e5, 7, "fp")
        found = read_part(store, plan_names("pre")[1], Block)
        return {Block(b.task, b.pass_number, b.source, b.part): b.shard for b in found}

    @pytest.mark.parametrize("seed", range(5))
    def test_tokens_added_to_a_block_move_no_block(
        self, store: Store, compose: Compose, training: Training, seed: int
    ) -> None:
        stage = training(total=1e6, shares={"a": 1}, exhausted="stop")
        parts = [[(5, 1.0)] * 10 for _ in range(16)]
        before = self.shards(store, stage, compose(store, "a", parts))
        parts[Random(seed).randrange(16)] = [(9, 1.0)] * 11
        after = self.shards(store, stage, compose(store, "a", parts))
        assert after == before
        assert len(set(after.values())) > 2

    def test_a_block_added_moves_no_other(self, store: Store, compose: Compose, training: Training) -> None:
        stage = training(total=1e6, shares={"a": 1}, exhausted="stop")
        before = self.shards(store, stage, compose(store, "a", [[(5, 1.0)] * 10] * 17))
        after = self.shards(store, stage, compose(store, "a", [[(5, 1.0)] * 10] * 18))
        assert {b: after[b] for b in before} == before

    def test_tasks_and_passes_never_share_a_tar(self, store: Store, compose: Compose, training: Training) -> None:
        stage = training(total=1e6, shares={"a": 1, "b": 1}, exhausted="stop")
        blocks = [b for n in (0, 1) for t in "ab" for b in compose(store, t, [[(5, 1.0)] * 10] * 9, n)]
        holds: dict[int, set[tuple[str, int]]] = {}
        for block, shard in self.shards(store, stage, blocks).items():
            holds.setdefault(shard, set()).add((block.task, block.pass_number))
        assert all(len(of) == 1 for of in holds.values())
        assert sorted(holds) == list(range(len(holds)))

    def test_a_tar_is_about_as_large_as_asked(self, store: Store, compose: Compose, training: Training) -> None:
        stage = training(total=1e6, shares={"a": 1}, exhausted="stop")
        found = self.shards(store, stage, compose(store, "a", [[(5, 1.0)] * 10] * 64))
        blocks_each = Counter(found.values())
        assert np.mean(list(blocks_each.values())) * 20_680 <= 1e5


def test_shares_that_no_float_can_hold(store: Store, compose: Compose, training: Training) -> None:
    stage = training(unit="samples", budgets={"a": 0.1, "b": 0.2}, scale=100)
    draws, _ = planned(store, stage, compose(store, "a", lengths(1, 20)) + compose(store, "b", lengths(1, 30)))
    assert stage.mixture.weights == {"a": Fraction(1, 3), "b": Fraction(2, 3)}
    assert Counter(d.task for d in draws) == {0: 10, 1: 20}
