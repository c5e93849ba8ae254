"""The bounds of speakers (`most`): how much each leaf of a task may draw of each speaker, in a stage of a given size.

    bounds = SpeakerBounds(store, request, tree)
    bounds.at(6000)        ->  {0: {"read/anna": 600}, 1: {"read/anna": 300, "calls/ben": 900}}     leaf -> speaker -> units
    bounds.together(leaf)  ->  0.4      the part of its task that the speakers of a leaf may fill together

A bound is a part of what the task realises. Where there are several tasks, one may be a sample behind its share when the stream
ends, so the bound is taken of that much less. The leaves of a task divide a speaker's bound in proportion to what each holds of
the speaker. Speakers without a name have no bound.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, fsum, inf

import pyarrow as pa

from weft.pipelines.mixing.leaves import belongs, cost_column
from weft.pipelines.mixing.order import Order, read_held
from weft.pipelines.mixing.plan_request import PlanRequest
from weft.pipelines.mixing.tree import Tree
from weft.pipelines.storage.store import Store
from weft.schemas.plan import Leaf, node_of

Bounds = dict[int, dict[str, int]]
UNNAMED = ""


@dataclass(frozen=True, slots=True)
class SpeakerAmount:
    """What one pass over a leaf holds of one speaker, and the speaker's longest and shortest sample, in whole units."""

    amount: int
    longest: int
    shortest: int


class SpeakerBounds:
    """The bounds of all leaves of tasks with `most`. The orders are read once."""

    def __init__(self, store: Store, request: PlanRequest, tree: Tree) -> None:
        self._weights, self._tree = request.mixture.weights, tree
        self._most = {
            task: Fraction(str(share.most["speaker"])) for task, share in request.mixture.tasks.items() if share.most
        }
        bounded = [leaf for leaf in tree.leaves if leaf.task in self._most]
        self.held = {leaf.number: _held(store, leaf, request.mixture.unit) for leaf in bounded}
        self._totals: dict[str, Counter[str]] = defaultdict(Counter)
        for leaf in bounded:
            self._totals[leaf.task].update({name: s.amount for name, s in self.held[leaf.number].items()})
        self._behind = _behind(store, request) if bounded else {}

    @property
    def leaves(self) -> list[Leaf]:
        """The leaves with bounds."""
        return [self._tree.leaves[number] for number in self.held]

    def most(self, task: str) -> Fraction:
        """The part of the task that one speaker may fill."""
        return self._most[task]

    def names(self, leaf: Leaf) -> dict[str, SpeakerAmount]:
        """What the leaf holds of each speaker with a name."""
        return {name: spoken for name, spoken in self.held[leaf.number].items() if name != UNNAMED}

    def has_unnamed(self, leaf: Leaf) -> bool:
        return UNNAMED in self.held[leaf.number]

    def at(self, size: int) -> Bounds:
        """The bounds of each leaf's speakers in a stage of `size` whole units."""
        return {leaf.number: self.of(leaf, size) for leaf in self.leaves}

    def of(self, leaf: Leaf, size: int) -> dict[str, int]:
        """How much the leaf may draw of each of its speakers."""
        task_amount = max(Fraction(0), size * self._weights[leaf.task] - self._behind[leaf.task])
        whole = int(task_amount * self._most[leaf.task])
        totals = self._totals[leaf.task]
        return {name: whole * s.amount // totals[name] for name, s in self.names(leaf).items()}

    def together(self, leaf: Leaf) -> Fraction:
        """The part of its task that the leaf's speakers may fill together, less what other leaves hold of them."""
        totals = self._totals[leaf.task]
        return self._most[leaf.task] * Fraction(fsum(s.amount / totals[name] for name, s in self.names(leaf).items()))

    def share(self, leaf: Leaf) -> Fraction:
        """The part of its task that a leaf is due."""
        return self._tree.share_of(leaf) / self._weights[leaf.task]

    def most_allowed(self, leaf: Leaf, size: int) -> float:
        """The most that the leaf can give in a stage of `size`, under its bounds."""
        return inf if self.has_unnamed(leaf) else sum(self.of(leaf, size).values())

    def one_pass_suffices(self, size: int) -> bool:
        """Whether one pass is certain to suffice for a stage of `size`, whatever the lengths of its samples."""
        return all(self._leaf_suffices(leaf, size) for leaf in self.leaves)

    def _leaf_suffices(self, leaf: Leaf, size: int) -> bool:
        held, bounds = self.held[leaf.number], self.of(leaf, size)
        there = sum(_least(spoken, bounds.get(name, spoken.amount)) for name, spoken in held.items())
        longest = max((spoken.longest for spoken in held.values()), default=0)
        return there >= size * self._tree.share_of(leaf) + 2 * longest * (len(leaf.by) + 1)


def _least(spoken: SpeakerAmount, bound: int) -> int:
    """The least that is drawn of a speaker: all of it, or as much as leaves no room for the longest sample."""
    return spoken.amount if spoken.amount <= bound else max(0, bound - spoken.longest + 1)


def _held(store: Store, leaf: Leaf, unit: str) -> dict[str, SpeakerAmount]:
    """What one pass over the leaf holds, by speaker; UNNAMED is all speech without a name."""
    order = Order(store, node_of(leaf.task, 0, leaf.source))
    begins, speakers = order.begins(), dict[str, SpeakerAmount]()
    columns = sorted({"tokens", "microseconds", "speaker", *(level for level in leaf.by if level != "source")})
    for group in range(len(begins) - 1):
        if begins[group] < begins[group + 1]:
            table = order.group(group, columns)
            costs = pa.table({"speaker": table["speaker"].cast(pa.string()), "cost": cost_column(unit, table)})
            for name, spoken in _by_speaker(costs.filter(pa.array(belongs(table, leaf)))).items():
                speakers[name] = _both(speakers[name], spoken) if name in speakers else spoken
    return speakers


def _by_speaker(costs: pa.Table) -> Mapping[str, SpeakerAmount]:
    sums = costs.group_by("speaker").aggregate([("cost", "sum"), ("cost", "max"), ("cost", "min")])
    return {
        row["speaker"]: SpeakerAmount(amount=row["cost_sum"], longest=row["cost_max"], shortest=row["cost_min"])
        for row in sums.to_pylist()
    }


def _both(one: SpeakerAmount, other: SpeakerAmount) -> SpeakerAmount:
    return SpeakerAmount(
        amount=one.amount + other.amount, longest=max(one.longest, other.longest),
        shortest=min(one.shortest, other.shortest),
    )  # fmt: skip


def _behind(store: Store, request: PlanRequest) -> dict[str, int]:
    """How far each task may be behind its share when the stream ends (see fair_queue), in whole units; 0 for a single task."""
    longest: Counter[str] = Counter()
    for of, passes in request.passes.items():
        task, _ = of
        for number in range(passes):
            for held in read_held(store, of, number):
                longest[task] = max(longest[task], held.longest(request.mixture.unit))
    weights = request.mixture.weights
    whole = max(longest.values(), default=0)
    return {t: ceil((1 - w) * longest[t] + w * whole) if len(weights) > 1 else 0 for t, w in weights.items()}
