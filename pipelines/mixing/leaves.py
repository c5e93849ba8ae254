"""A leaf of the mixture as a stream: its samples in their order, pass after pass, and the tars that will hold them.

LeafStream(store, leaf, Scope(unit="tokens", passes=range(2))).take(1000)  ->  Draws(costs=[143, 98, …], leaves=[0, 0, …])

Samples that earlier stages drew (`after`) are skipped, and so are those beyond a speaker's bound. Both are counted.
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

    They are rows `first`, `first` + 1, … of the order, or the rows `chosen` (int32 [n]) where others lie between.
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
    """The conditions under which a leaf is drawn: the unit of the mixture, its passes, earlier draws, and the bounds of its speakers.

    `before` are the leaves of earlier stages over the same task and source; `most` bounds each speaker in whole units (None: nobody).
    """

    unit: str
    passes: Sequence[int]
    before: Sequence[Leaf] = ()
    most: Mapping[str, int] | None = None


class LeafStream:
    """Draws of one leaf. `stretches` are those read so far, `longest` is the cost of their longest sample."""

    def __init__(self, store: Store, leaf: Leaf, scope: Scope) -> None:
        self._store, self.leaf, self._scope = store, leaf, scope
        self.stretches: list[Stretch] = []
        self._skips: list[tuple[int, int]] = []  # number of samples before, and of those skipped there
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
        """How much was drawn of a speaker with a bound, in whole units."""
        return self._speakers.get(speaker, 0)

    def skipped(self, samples: int) -> int:
        """The number of samples that were skipped for a speaker's bound, among the first `samples`."""
        return sum(count for before, count in self._skips if before < samples)

    def _read(self) -> Iterator[NDArray[np.int64]]:
        """The costs of the samples, a group at a time. Adds the tars of each group to `stretches`."""
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
        """The first pass to read: an earlier stage drew those before it completely."""
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
        """`keep` without the samples beyond a speaker's bound. Speakers without a name have no bound."""
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
    """Whether the wide leaf has all samples of the narrow one. Both are of the same task and source."""
    return all(getattr(wide, level) == getattr(narrow, level) for level in wide.by)


def belongs(table: pa.Table, leaf: Leaf) -> NDArray[np.bool_]:
    """Which rows have the leaf's language and emotion, bool [rows]."""
    mask = np.ones(len(table), np.bool_)
    for level in leaf.by:
        if level != "source":
            mask &= pc.equal(table[level].cast(pa.string()), getattr(leaf, level)).to_numpy(zero_copy_only=False)
    return mask


def cost_column(unit: str, table: pa.Table) -> NDArray[np.int64]:
    """The cost of each sample in whole units of the mixture: tokens, microseconds or samples."""
    if unit in ("samples", "weights"):
        return np.ones(len(table), np.int64)
    if unit == "seconds":
        return table["microseconds"].to_numpy().astype(np.int64)
    return table["tokens"].to_numpy().astype(np.int64)
