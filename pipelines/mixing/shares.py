"""Shares of a stream, counted from its index: of every node of the mixture at every prefix, and of each speaker.

shares = Shares(tree, stage); shares.add(table) for each table of the index; shares.nodes()  ->  (ShareAudit("words/speech", …), …)

Only the index is counted, not the plan: the audit looks at the file that the trainer reads.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from weft.pipelines.mixing.plan_request import shown_unit
from weft.pipelines.mixing.speakers import COLUMNS as NAMED
from weft.pipelines.mixing.speakers import persons
from weft.pipelines.mixing.tree import Tree
from weft.schemas.audit import GroupAudit, ShareAudit, TaskAudit
from weft.schemas.plan import MixtureNode
from weft.schemas.training import TrainingStage

COLUMNS = ["task", *NAMED, "language", "emotion", "level", "split", "tokens", "seconds"]
KINDS = ("source", "language", "emotion", "speaker", "split")


@dataclass
class _Count:
    """Counts of one node or group: samples, tokens, seconds, cost in whole units, and the largest difference from its share."""

    samples: int = 0
    tokens: int = 0
    seconds: float = 0.0
    cost: int = 0
    worst: float = 0.0


@dataclass(frozen=True, slots=True)
class OverBound:
    """A speaker (space and name) over its bound: `cost` of the `given` whole units of a task, of which it may have the part `most`."""

    task: str
    speaker: str
    cost: int
    given: int
    most: float


@dataclass
class Shares:
    """Running totals of one stage, in the whole units it is counted in. `spaces` tell speakers apart (see speakers.py)."""

    tree: Tree
    stage: TrainingStage
    spaces: Mapping[str, str]
    rows_outside_mixture: int = 0  # rows that belong to no leaf of the mixture
    _counts: dict[int, _Count] = field(default_factory=lambda: defaultdict(_Count))
    _groups: dict[tuple[str, str], _Count] = field(default_factory=lambda: defaultdict(_Count))
    _speakers: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))

    def add(self, table: pa.Table) -> None:
        """Adds rows of the index with COLUMNS, in the order of the stream."""
        leaves = leaves_of(self.tree, table)
        self.rows_outside_mixture += int((leaves < 0).sum())
        costs = _costs(self.stage.mixture.unit, table)
        self._below(-1, self.cost, leaves >= 0, leaves, costs, table)
        self._counts[-1].cost += int(costs[leaves >= 0].sum())
        names = pc.binary_join_element_wise(table["source"], table["speaker"], "/")
        named = table.set_column(table.schema.get_field_index("speaker"), "speaker", names)
        for kind in KINDS:
            self._group(kind, named if kind != "emotion" else _felt(named))
        self._speaker(table, costs)

    def _below(
        self,
        parent: int,
        before: int,
        mine: NDArray[np.bool_],
        leaves: NDArray[np.int64],
        costs: NDArray[np.int64],
        table: pa.Table,
    ) -> None:
        """Counts the parent's draws, `mine`, by child, recursively. `before` is what the parent drew in earlier tables."""
        whole = before + np.cumsum(costs[mine])
        for child in self.tree.children(parent):
            theirs = mine & np.isin(leaves, self._leaves_below(child))
            count = self._counts[child.number]
            until = count.cost
            if len(whole):
                running = until + np.cumsum(np.where(theirs[mine], costs[mine], 0))
                count.worst = max(count.worst, float(np.abs(running - child.share / child.whole * whole).max()))
            self._count(count, table, theirs, costs)
            if child.leaf < 0:
                self._below(child.number, until, theirs, leaves, costs, table)

    @staticmethod
    def _count(count: _Count, table: pa.Table, mine: NDArray[np.bool_], costs: NDArray[np.int64]) -> None:
        count.samples += int(mine.sum())
        count.tokens += int(table["tokens"].to_numpy()[mine].sum())
        count.seconds += float(table["seconds"].to_numpy()[mine].sum())
        count.cost += int(costs[mine].sum())

    def _leaves_below(self, node: MixtureNode) -> list[int]:
        if node.leaf >= 0:
            return [node.leaf]
        return [leaf for child in self.tree.children(node.number) for leaf in self._leaves_below(child)]

    def _group(self, kind: str, table: pa.Table) -> None:
        """Adds to the counts of one kind of group. Speakers are counted by source and name."""
        sums = table.group_by(kind).aggregate([([], "count_all"), ("tokens", "sum"), ("seconds", "sum")])
        for row in sums.to_pylist():
            count = self._groups[kind, row[kind]]
            count.samples += row["count_all"]
            count.tokens += row["tokens_sum"]
            count.seconds += row["seconds_sum"]

    def _speaker(self, table: pa.Table, costs: NDArray[np.int64]) -> None:
        """Adds to the counts of speakers, of tasks with bounds."""
        bound = [task for task, share in self.stage.mixture.tasks.items() if share.most]
        if not bound:
            return
        some = pa.table({"task": table["task"], "person": persons(table, self.spaces), "cost": pa.array(costs)})
        some = some.filter(pc.is_in(some["task"], pa.array(bound))).drop_null()
        for row in some.group_by(["task", "person"]).aggregate([("cost", "sum")]).to_pylist():
            self._speakers[row["task"], row["person"]] += row["cost_sum"]

    @property
    def cost(self) -> int:
        """The cost of the whole stream in whole units."""
        return self._counts[-1].cost

    def tasks(self) -> tuple[TaskAudit, ...]:
        scale = shown_unit(self.stage)[1]
        tokens, seconds = (max(1, sum(self._counts[n.number].tokens for n in self.tree.children(-1))), self._seconds())
        return tuple(
            TaskAudit(
                task=node.value, declared=node.share / node.whole, realised=count.cost / max(1, self.cost), samples=count.samples,
                tokens=count.tokens, seconds=count.seconds, token_share=count.tokens / tokens, second_share=count.seconds / seconds,
                off=(count.cost - node.share * self.cost / node.whole) / scale, worst=count.worst / scale,
                sample=self.allowed(node) / scale,
            )
            for node in self.tree.children(-1)
            for count in (self._counts[node.number],)
        )  # fmt: skip

    def _seconds(self) -> float:
        return sum(self._counts[n.number].seconds for n in self.tree.children(-1)) or 1.0

    def nodes(self) -> tuple[ShareAudit, ...]:
        """The nodes below tasks."""
        scale = shown_unit(self.stage)[1]
        return tuple(
            ShareAudit(
                path=node.path, level=node.level, declared=node.share / node.whole, rounded=node.rounded,
                realised=count.cost / max(1, self._counts[node.parent].cost), samples=count.samples, worst=count.worst / scale,
                sample=self.allowed(node) / scale,
            )
            for node in self.tree.nodes
            if node.parent >= 0
            for count in (self._counts[node.number],)
        )  # fmt: skip

    def allowed(self, node: MixtureNode) -> float:
        """The allowed difference: one sample of the node, and its share of the longest sample beside it (see fair_queue)."""
        weight = node.share / node.whole
        longest = max(self._longest(n) for n in self.tree.children(node.parent))
        return (1 - weight) * self._longest(node) + weight * longest

    def _longest(self, node: MixtureNode) -> int:
        return max(self.tree.leaves[leaf].longest for leaf in self._leaves_below(node))

    def beyond_tolerance(self) -> Iterator[MixtureNode]:
        """Nodes that differ by more than is allowed from their share at some prefix."""
        for node in self.tree.nodes:
            if self._counts[node.number].worst > self.allowed(node) * (1 + 1e-9) + 1e-6:
                yield node

    def worst(self, node: MixtureNode) -> float:
        return self._counts[node.number].worst

    def groups(self) -> tuple[GroupAudit, ...]:
        """The largest first, within each kind."""
        tokens = max(1, sum(c.tokens for (kind, _), c in self._groups.items() if kind == "split"))
        rows = sorted(self._groups.items(), key=lambda item: (KINDS.index(item[0][0]), -item[1].tokens, item[0][1]))
        return tuple(
            GroupAudit(
                kind=kind, value=value, samples=count.samples, tokens=count.tokens, seconds=count.seconds,
                token_share=count.tokens / tokens,
            )
            for (kind, value), count in rows
        )  # fmt: skip

    def over_bound(self) -> Iterator[OverBound]:
        """Speakers with more of a task than their bound, which is a part of the realised size, not of the declared one."""
        given = {node.value: self._counts[node.number].cost for node in self.tree.children(-1)}
        for (task, speaker), cost in sorted(self._speakers.items()):
            most = Fraction(str(self.stage.mixture.tasks[task].most["speaker"]))
            if cost > most * given[task]:
                yield OverBound(task=task, speaker=speaker, cost=cost, given=given[task], most=float(most))


def _felt(table: pa.Table) -> pa.Table:
    """The samples that have an emotion, which is `happy 3` where its level is known."""
    felt = table.filter(pc.not_equal(table["emotion"], ""))
    levels = [f" {level}" if level else "" for level in felt["level"].to_pylist()]
    names = pc.binary_join_element_wise(felt["emotion"], pa.array(levels, pa.string()), "")
    return felt.set_column(felt.schema.get_field_index("emotion"), "emotion", names)


def _costs(unit: str, table: pa.Table) -> NDArray[np.int64]:
    """The cost of each sample in whole units, from the columns of the index."""
    if unit in ("samples", "weights"):
        return np.ones(len(table), np.int64)
    if unit == "seconds":
        return np.rint(table["seconds"].to_numpy() * 1e6).astype(np.int64)
    return table["tokens"].to_numpy().astype(np.int64)


def leaves_of(tree: Tree, table: pa.Table) -> NDArray[np.int64]:
    """The number of each row's leaf, by its task, source, language and emotion; -1 where there is none."""
    leaf_numbers = np.full(len(table), -1, np.int64)
    for leaf in tree.leaves:
        mine = pc.equal(table["task"], leaf.task)
        for level in leaf.by:
            mine = pc.and_(mine, pc.equal(table[level], getattr(leaf, level)))
        leaf_numbers[mine.to_numpy(zero_copy_only=False).astype(bool)] = leaf.number
    return leaf_numbers
