"""Plans a training stage: which leaf of the mixture each draw comes from, and which tars hold the samples.

    plan(store, Wanted("pretrain", stage, …), made_from)   ->  plan/pretrain.parquet, -tree, -leaves, -tars, pretrain.json

Everything is streamed: samples in, draws out, so memory does not grow with the corpus.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from weft.pipelines.mixing.bounds import SpeakerBounds
from weft.pipelines.mixing.endings import RunOut, check_bounds, size_of
from weft.pipelines.mixing.fair_queue import Branch, Draws, Node, TooLong
from weft.pipelines.mixing.fitting import Sizes, fitted_size
from weft.pipelines.mixing.leaves import LeafStream, Scope, Stretch
from weft.pipelines.mixing.order import Order
from weft.pipelines.mixing.refusals import record_refusal, refusal_name
from weft.pipelines.mixing.tree import Holdings, PlanError, Tree, tree_of
from weft.pipelines.parts.tables import opened_part, read_part, read_table
from weft.pipelines.storage.store import Damaged, Store
from weft.schemas.changes import MadeFrom
from weft.schemas.fingerprint import digest
from weft.schemas.plan import VALIDATION, VALIDATION_STAGE, Held, Leaf, Summary, Tar, held_name, node_of
from weft.schemas.plan import Node as TreeNode
from weft.schemas.table import arrow_schema, to_table
from weft.schemas.training import Mixture, TrainingStage

CHUNK = 1 << 17  # draws assembled at a time
VERSION = "plan-4"
_OPTIONS: dict[str, Any] = {"compression": "zstd", "write_statistics": False, "write_page_checksum": True}
DRAWS = pa.schema([("leaf", pa.int16())])


@dataclass(frozen=True)
class Wanted:
    """A stage to plan. `passes` are those composed of each task and source; `after` are all stages whose data it goes on in."""

    name: str
    stage: TrainingStage
    passes: Mapping[tuple[str, str], int]
    after: tuple[str, ...] = ()

    @property
    def mixture(self) -> Mixture:
        return self.stage.mixture


def plan_name(stage: str) -> str:
    """Written last: its presence means that the other files are complete."""
    return f"plan/{stage}.json"


def plan_files(stage: str) -> tuple[str, str, str, str]:
    """Draws, tree, leaves and tars."""
    draws, tree, leaves, tars = (f"plan/{stage}{end}.parquet" for end in ("", "-tree", "-leaves", "-tars"))
    return draws, tree, leaves, tars


def held_by(store: Store, nodes: Iterable[tuple[str, str]], pass_number: int = 0) -> Holdings:
    """What one pass of each task and source holds."""
    held_rows: dict[str, dict[str, Sequence[Held]]] = {}
    for task, source in nodes:
        held_rows.setdefault(task, {})[source] = read_part(store, held_name(node_of(task, pass_number, source)), Held)
    return held_rows


def plan(store: Store, wanted: Wanted, made_from: MadeFrom) -> int:
    """Writes the plan and returns its number of draws. Raises PlanError, after recording the reason in the corpus."""
    store.remove(plan_name(wanted.name))
    try:
        draws = _plan(store, wanted, made_from)
    except PlanError as fault:
        record_refusal(store, wanted.name, wanted.stage, str(fault))
        raise
    store.remove(refusal_name(wanted.name))
    return draws


def _plan(store: Store, wanted: Wanted, made_from: MadeFrom) -> int:
    planner = _Planner(store, wanted)
    check_bounds(wanted, planner.tree, planner.bounds)
    run = planner.run(size_of(wanted.stage))
    if run.ended >= 0 and wanted.mixture.exhausted != "stop":
        short = planner.run_out(run, run.ended)
        raise PlanError(f"stage {wanted.name!r}: {short.what()}; {short.advice()}")
    ended, run = (run.ended, planner.fitted(run)) if run.ended >= 0 else (-1, run)
    why = planner.run_out(run, ended).what() if ended >= 0 else ""
    goal = Goal(name=wanted.name, made_from=made_from, unit=wanted.mixture.unit, size=size_of(wanted.stage), ended=why)
    return _finish(store, planner.tree, run.streams, run.drawn, goal)


@dataclass(frozen=True, eq=False)
class _Run:
    """Draws of a stage up to `size`, under the bounds of that size, and the leaf that had no more before (-1: none)."""

    size: int
    streams: Sequence[LeafStream]
    drawn: "_Drawn"
    ended: int


class _Planner:
    """Draws a stage to any size, and writes which leaf each draw comes from."""

    def __init__(self, store: Store, wanted: Wanted) -> None:
        self._store, self._wanted = store, wanted
        self.tree = tree_of(wanted.mixture, held_by(store, wanted.passes))
        self.bounds = SpeakerBounds(store, wanted, self.tree)
        self._before = [leaf for stage in wanted.after for leaf in read_leaves(store, stage)]

    def run(self, size: int) -> _Run:
        """Each run overwrites the draws of the run before."""
        bounds = self.bounds.at(size)
        streams = [
            stream_of(self._store, self._wanted, leaf, self._before, bounds.get(leaf.number))
            for leaf in self.tree.leaves
        ]
        root = _branch(self.tree, streams)
        drawn = _write_draws(self._store, self._wanted.name, _until(root, size), len(streams))
        return _Run(size=size, streams=streams, drawn=drawn, ended=root.ended if drawn.cost < size else -1)

    def fitted(self, first: _Run) -> _Run:
        """The run of a stage that ends early: as long as it can be with its speakers' bounds kept. Raises PlanError."""
        if not self.bounds.leaves:
            return first
        latest = first

        def is_whole(size: int) -> bool:
            nonlocal latest
            latest = self.run(size)
            return latest.ended < 0

        longest = max((stream.longest for stream in first.streams), default=0)
        size = fitted_size(Sizes(drawn=first.drawn.cost, step=longest), is_whole, self.bounds.sure)
        if not size:
            short = self.run_out(first, first.ended)
            raise PlanError(
                f"stage {self._wanted.name!r}: {short.what()}, and at no smaller size do its bounds hold; {short.advice()}"
            )
        return latest if latest.size == size else self.run(size)

    def run_out(self, run: _Run, leaf: int) -> RunOut:
        """Why there is no more than this run, of which `leaf` is what had none left."""
        return RunOut(
            wanted=self._wanted, tree=self.tree, bounds=self.bounds, leaf=self.tree.leaves[leaf],
            samples=int(run.drawn.counts[leaf]), drawn=run.drawn.cost, size=run.size,
        )  # fmt: skip


def plan_validation(store: Store, nodes: Iterable[tuple[str, str]], made_from: MadeFrom) -> int:
    """Plans what is held out for validation of these tasks and sources: all of it once, in proportion as long as that goes."""
    held = held_by(store, nodes, VALIDATION)
    samples = {task: n for task, of in held.items() if (n := sum(h.samples for rows in of.values() for h in rows))}
    total = sum(samples.values())
    tree = Tree((), ())
    if samples:
        mixture = Mixture(unit="samples", total=total, shares={task: float(n) for task, n in samples.items()})
        tree = tree_of(mixture, held)
    scope = Scope(unit="samples", passes=(VALIDATION,))
    streams = [LeafStream(store, leaf, scope) for leaf in tree.leaves]
    root = _branch(tree, streams)
    draws = chain(_until(root, total), root.rest())
    drawn = _write_draws(store, VALIDATION_STAGE, draws, len(streams))
    return _finish(
        store,
        tree,
        streams,
        drawn,
        Goal(name=VALIDATION_STAGE, made_from=made_from, unit="samples", size=total, ended=""),
    )


def stream_of(
    store: Store, wanted: Wanted, leaf: Leaf, before: Sequence[Leaf], most: Mapping[str, int] | None
) -> LeafStream:
    """The samples that a leaf may draw; `before` are the leaves of the stages it goes on from, `most` its speakers' bounds."""
    mine = [b for b in before if (b.task, b.source) == (leaf.task, leaf.source)]
    passes = range(wanted.passes[leaf.task, leaf.source])
    scope = Scope(unit=wanted.mixture.unit, passes=passes, before=mine, most=most)
    return LeafStream(store, leaf, scope)


def _branch(tree: Tree, streams: Sequence[LeafStream], parent: int = -1) -> Branch:
    children = tree.children(parent)
    below: list[Node] = [streams[n.leaf] if n.leaf >= 0 else _branch(tree, streams, n.number) for n in children]
    return Branch(below, [n.share for n in children])


def _until(root: Branch, size: int) -> Iterator[Draws]:
    """Draws until `size` is drawn, or a leaf has no more."""
    left = size
    try:
        while left > 0 and len(some := root.take(CHUNK, left)):
            left -= int(some.costs.sum())
            yield some
    except TooLong as fault:
        raise PlanError(f"{fault}: declare this mixture in samples or tokens") from None


@dataclass(frozen=True, eq=False)
class _Drawn:
    """Number of samples drawn from each leaf, int64 [leaves], and their total cost in whole units."""

    counts: np.ndarray
    cost: int


def _write_draws(store: Store, name: str, draws: Iterable[Draws], leaves: int) -> _Drawn:
    counts, cost = np.zeros(leaves, np.int64), 0
    with store.writing(plan_files(name)[0]) as file, pq.ParquetWriter(file, DRAWS, **_OPTIONS) as writer:
        for some in draws:
            writer.write_table(pa.table([some.leaves], schema=DRAWS), row_group_size=CHUNK)
            counts += np.bincount(some.leaves, minlength=leaves)
            cost += int(some.costs.sum())
    return _Drawn(counts=counts, cost=cost)


@dataclass(frozen=True)
class Goal:
    """The goal of a plan: stage, declared size in whole units, and why it ended short of it ("" where it did not)."""

    name: str
    made_from: MadeFrom
    unit: str
    size: int
    ended: str


def _finish(store: Store, tree: Tree, streams: Sequence[LeafStream], drawn: _Drawn, goal: Goal) -> int:
    """Writes tree, leaves, tars and the summary."""
    _, tree_file, leaves_file, tars_file = plan_files(goal.name)
    used = [_used(stream.stretches, int(count)) for stream, count in zip(streams, drawn.counts, strict=True)]
    tars = chain.from_iterable(_tars(store, stream.leaf, some) for stream, some in zip(streams, used, strict=True))
    _write_tars(store, tars_file, tars)
    _write(store, tree_file, to_table(tree.nodes, TreeNode))
    leaves = [_drawn_of(stream, some) for stream, some in zip(streams, used, strict=True)]
    _write(store, leaves_file, to_table(leaves, Leaf))
    summary = Summary(
        fingerprint=digest(goal.made_from), unit=goal.unit, size=goal.size, drawn=drawn.cost, draws=int(drawn.counts.sum()),
        ended=goal.ended, files={name: checksum(store, name) for name in plan_files(goal.name)}, made_from=dict(goal.made_from),
    )  # fmt: skip
    store.write(plan_name(goal.name), summary.to_json().encode())
    return summary.draws


def checksum(store: Store, name: str) -> str:
    """The SHA-256 of a file."""
    with store.open(name) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def _used(stretches: Sequence[Stretch], samples: int) -> list[Stretch]:
    """The stretches that hold the first `samples` of a leaf; the last one is cut to fit."""
    used = []
    for stretch in stretches:
        if samples <= 0:
            break
        used.append(replace(stretch, count=min(stretch.count, samples)))
        samples -= stretch.count
    return used


def _tars(store: Store, leaf: Leaf, used: Sequence[Stretch]) -> Iterator[Tar]:
    """A tar for each stretch."""
    for stretch in used:
        order = Order(store, node_of(leaf.task, stretch.pass_number, leaf.source))
        table = order.group(stretch.group, ["part"]).take(stretch.rows - order.begins()[stretch.group])
        split, number = (
            ("validation", "v") if stretch.pass_number == VALIDATION else ("train", str(stretch.pass_number))
        )
        name = f"{split}-{leaf.label}-{number}-{stretch.group:05d}-{stretch.bucket:02d}.tar"
        yield Tar(
            number=0, name=name, leaf=leaf.number, task=leaf.task, source=leaf.source, pass_number=stretch.pass_number,
            group=stretch.group, bucket=stretch.bucket, samples=stretch.count,
            parts=tuple(np.unique(table["part"].to_numpy()).tolist()), rows=tuple(stretch.rows.tolist()),
        )  # fmt: skip


def _write_tars(store: Store, name: str, tars: Iterable[Tar]) -> None:
    """One row group per tar, so that writing a tar reads one row group."""
    with store.writing(name) as file, pq.ParquetWriter(file, arrow_schema(Tar), **_OPTIONS) as writer:
        for number, tar in enumerate(tars):
            writer.write_table(to_table([replace(tar, number=number)], Tar))


def _drawn_of(stream: LeafStream, used: Sequence[Stretch]) -> Leaf:
    """The leaf, with the figures of its draws filled in."""
    samples = sum(stretch.count for stretch in used)
    last = used[-1] if used else None
    return replace(
        stream.leaf, samples=samples, skipped=stream.skipped(samples), longest=stream.longest,
        end_pass=last.pass_number if last else 0, end_row=int(last.rows[-1]) + 1 if last else 0,
    )  # fmt: skip


def _write(store: Store, name: str, table: pa.Table) -> None:
    with store.writing(name) as file:
        pq.write_table(table, file, **_OPTIONS)


def read_summary(store: Store, stage: str) -> Summary:
    """Raises FileNotFoundError for a stage that is not planned yet, and Damaged."""
    try:
        return Summary.from_json(store.read(plan_name(stage)).decode())
    except (ValueError, TypeError) as error:
        raise Damaged(store.url, plan_name(stage), f"is damaged: {error}") from None


def ending(store: Store, stage: str) -> str:
    """Why a stage's stream is shorter than declared, as a sentence; "" where it is whole."""
    return read_summary(store, stage).ended


def read_leaves(store: Store, stage: str) -> list[Leaf]:
    return read_part(store, plan_files(stage)[2], Leaf)


def read_tree(store: Store, stage: str) -> Tree:
    return Tree(tuple(read_part(store, plan_files(stage)[1], TreeNode)), tuple(read_leaves(store, stage)))


def read_tars(store: Store, stage: str) -> list[Tar]:
    """The stage's tars without their rows."""
    names = [name for name in arrow_schema(Tar).names if name != "rows"]
    rows = read_table(store, plan_files(stage)[3], names).to_pylist()
    return [Tar(**{**row, "parts": tuple(row["parts"])}) for row in rows]


def rows_of(store: Store, stage: str, tar: Tar) -> np.ndarray:
    """The rows of its node's order that a tar holds, int32 [samples]."""
    with opened_part(store, plan_files(stage)[3]) as file:
        group = file.read_row_group(tar.number, columns=["rows"])
    return group["rows"].combine_chunks().values.to_numpy()
