"""A leaf of the mixture as a stream: its samples in their order, pass after pass, and the tars that will hold them.

LeafStream(store, leaf, unit="tokens", passes=2).take(1000)  ->  Draws(costs=[143, 98, …], leaves=[0, 0, …])

What earlier stages drew (`after`) is passed over, and so is what goes beyond a speaker's part of the leaf; both are counted.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from weft.pipelines.mixing.fair_queue import CHUNK, Draws
from weft.pipelines.mixing.order import Order
from weft.pipelines.mixing.tree import PlanError
from weft.pipelines.storage.store import Store
from weft.schemas.plan import VALIDATION, Leaf, node_of

_NOTHING = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """`count` samples of one tar, all of one group and bucket of the order of pass `pass_number`.

    They are rows `first`, `first` + 1, …, or those of `chosen` (int32 [n]) where some between are not the leaf's.
    """

    pass_number: int
    group: int
    bucket: int
    first: int
    count: int
    chosen: NDArray[np.int32] | None = None

    @property
    def rows(self) -> NDArray[np.int32]:
        """int32 [count]"""
        if self.chosen is not None:
            return self.chosen[: self.count]
        return np.arange(self.first, self.first + self.count, dtype=np.int32)


@dataclass(frozen=True)
class Scope:
    """What a leaf's samples are drawn under: the mixture's unit, the passes there are, what was drawn before, a speaker's bound.

    `before` are the leaves of earlier stages over the same task and source; `most` is what each speaker may count, None for any.
    """

    unit: str
    passes: Sequence[int]
    before: Sequence[Leaf] = ()
    most: Mapping[str, int] | None = None


class LeafStream:
    """Draws of one leaf. `stretches` are those it has come to, `longest` is the most that a sample of them counts."""

    def __init__(self, store: Store, leaf: Leaf, scope: Scope) -> None:
        self._store, self.leaf, self._scope = store, leaf, scope
        self.stretches: list[Stretch] = []
        self._skips: list[tuple[int, int]] = []  # samples before, and how many were passed over there
        self._speakers: dict[str, int] = {}
        self._chunks = self._read()
        self._left = _NOTHING
        self.longest = 0
        self.ended = -1

    def take(self, count: int) -> Draws:
        parts = [self._left]
        while sum(map(len, parts)) < count and (chunk := next(self._chunks, None)) is not None:
            parts.append(chunk)
        costs = np.concatenate(parts)
        taken, self._left = costs[:count], costs[count:]
        if not len(taken):
            self.ended = self.leaf.number
        return Draws(costs=taken, leaves=np.full(len(taken), self.leaf.number, np.int16))

    def rest(self) -> Iterator[Draws]:
        while len(some := self.take(CHUNK)):
            yield some

    def counted(self, speaker: str) -> int:
        """What has come of a speaker whose bound is kept."""
        return self._speakers.get(speaker, 0)

    def skipped(self, samples: int) -> int:
        """How many samples a speaker's bound passed over among the first `samples`."""
        return sum(count for before, count in self._skips if before < samples)

    def _read(self) -> Iterator[NDArray[np.int64]]:
        """Costs, a group at a time; each group's tars are noted as they come."""
        total, first = 0, self._first_pass()
        for pass_number in (p for p in self._scope.passes if p >= first):
            order = Order(self._store, node_of(self.leaf.task, pass_number, self.leaf.source))
            begins = order.begins()
            for group in range(len(begins) - 1):
                if begins[group] == begins[group + 1]:
                    continue
                table = order.group(group, self._columns())
                rows = np.arange(begins[group], begins[group + 1], dtype=np.int32)
                keep = self._mine(table) & ~self._drawn(table, pass_number, rows)
                costs = cost_column(self._scope.unit, table)
                if (costs[keep] <= 0).any():
                    raise PlanError(
                        f"a sample of task {self.leaf.task!r} counts 0 {self._scope.unit}; declare this mixture in tokens or samples"
                    )
                within = self._within_bounds(table, costs, keep)
                if passed := int(keep.sum() - within.sum()):
                    self._skips.append((total, passed))
                total += int(within.sum())
                self.longest = max(self.longest, int(costs[within].max(initial=0)))
                self._note(pass_number, group, rows[within], table["bucket"].to_numpy()[within])
                yield costs[within]

    def _first_pass(self) -> int:
        """Passes that an earlier stage drew whole need not be read: its leaf over all of the source ended beyond them."""
        whole = [
            leaf.end_pass
            for leaf in self._scope.before
            if set(leaf.by) <= set(self.leaf.by) and _matches(leaf, self.leaf)
        ]
        return max(whole, default=VALIDATION)

    def _columns(self) -> list[str]:
        wanted = {"tokens", "microseconds", "bucket", *(level for level in self._levels() if level != "source")}
        return sorted(wanted | (set() if self._scope.most is None else {"speaker"}))

    def _levels(self) -> set[str]:
        return {level for leaf in (self.leaf, *self._scope.before) for level in leaf.by}

    def _mine(self, table: pa.Table) -> NDArray[np.bool_]:
        return belongs(table, self.leaf)

    def _drawn(self, table: pa.Table, pass_number: int, rows: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Which of the rows earlier stages have drawn."""
        drawn = np.zeros(len(rows), np.bool_)
        for leaf in self._scope.before:
            if pass_number <= leaf.end_pass:
                reached = rows < leaf.end_row if pass_number == leaf.end_pass else np.ones(len(rows), np.bool_)
                drawn |= reached & belongs(table, leaf)
        return drawn

    def _within_bounds(self, table: pa.Table, costs: NDArray[np.int64], keep: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """`keep` without what goes beyond a speaker's bound; speakers that nobody names have none."""
        if self._scope.most is None:
            return keep
        speakers = table["speaker"].to_pylist()
        within = keep.copy()
        for row in np.flatnonzero(keep).tolist():
            if name := speakers[row]:
                after = self._speakers.get(name, 0) + int(costs[row])
                within[row] = after <= self._scope.most.get(name, 0)
                if within[row]:
                    self._speakers[name] = after
        return within

    def _note(self, pass_number: int, group: int, rows: NDArray[np.int32], buckets: NDArray[np.int32]) -> None:
        cuts = np.flatnonzero(np.diff(buckets)) + 1
        for mine, bucket in zip(np.split(rows, cuts), np.split(buckets, cuts), strict=True):
            if len(mine):
                whole = int(mine[-1]) - int(mine[0]) + 1 == len(mine)
                self.stretches.append(
                    Stretch(
                        pass_number=pass_number, group=group, bucket=int(bucket[0]), first=int(mine[0]), count=len(mine),
                        chosen=None if whole else mine,
                    )
                )  # fmt: skip


def _matches(wide: Leaf, narrow: Leaf) -> bool:
    """Whether all samples of the narrow leaf are of the wide one too; both are of one task and source."""
    return all(getattr(wide, level) == getattr(narrow, level) for level in wide.by)


def belongs(table: pa.Table, leaf: Leaf) -> NDArray[np.bool_]:
    """Which rows have the leaf's language and emotion, where it is one of a language or an emotion."""
    mask = np.ones(len(table), np.bool_)
    for level in leaf.by:
        if level != "source":
            mask &= pc.equal(table[level].cast(pa.string()), getattr(leaf, level)).to_numpy(zero_copy_only=False)
    return mask


def cost_column(unit: str, table: pa.Table) -> NDArray[np.int64]:
    """What each sample counts, in the whole units that a mixture is counted in: tokens, microseconds or samples."""
    if unit in ("samples", "weights"):
        return np.ones(len(table), np.int64)
    if unit == "seconds":
        return table["microseconds"].to_numpy().astype(np.int64)
    return table["tokens"].to_numpy().astype(np.int64)
