"""Whether what is composed suffices for a stage, and which sources must be gone through once more.

short(store, request)  ->  [("words", "speech")]

No source is gone through again where that cannot suffice in the end: the plan then says what is missing.
"""

from collections.abc import Mapping
from math import inf, sqrt

from weft.pipelines.mixing.bounds import SpeakerBounds
from weft.pipelines.mixing.leaves import LeafStream
from weft.pipelines.mixing.order import read_held
from weft.pipelines.mixing.plan import held_by, stream_of
from weft.pipelines.mixing.plan_files import read_leaves
from weft.pipelines.mixing.plan_request import PlanRequest, size_of
from weft.pipelines.mixing.shortfall import demand_of
from weft.pipelines.mixing.sufficiency import Balance
from weft.pipelines.mixing.tree import Tree, tree_of
from weft.pipelines.storage.store import Store
from weft.schemas.plan import HeldAmounts, Leaf


def short(store: Store, request: PlanRequest) -> list[tuple[str, str]]:
    """Tasks and sources whose composed passes do not cover their share yet and may be drawn again."""
    mixture = request.mixture
    again = [of for of, count in request.passes.items() if mixture.exhausted == "repeat" and count < mixture.passes]
    if not again:
        return []
    tree = tree_of(mixture, held_by(store, request.passes))
    supply = _Supply(store, request, tree)
    if any(map(supply.cannot_be_filled, tree.leaves)):
        return []
    return [
        of
        for of in again
        if any(supply.is_short(leaf) for leaf in tree.leaves if (leaf.task, leaf.source) == of)
    ]  # fmt: skip


class _Supply:
    """What the leaves of a stage hold in the passes that are composed, in the whole units of the mixture."""

    def __init__(self, store: Store, request: PlanRequest, tree: Tree) -> None:
        self._store, self._request, self._tree = store, request, tree
        self._unit, self._size = request.mixture.unit, size_of(request.stage)
        self._bounds = SpeakerBounds(store, request, tree)
        self._before = [leaf for stage in request.after for leaf in read_leaves(store, stage)]

    def is_short(self, leaf: Leaf) -> bool:
        """Whether a further pass is needed and gives something."""
        passes, longest = self._passes(leaf), self._longest(leaf)
        due = self._due(leaf) + 2 * longest * (len(leaf.by) + 1)
        total, most = sum(passes), self._most(leaf)
        if not longest or (total < due and most is None):
            return bool(longest)
        if not self._request.after and most is None:
            return False
        stream = stream_of(self._store, self._request, leaf, before=self._before, most=most)
        return _available(stream, due) < due and (most is None or self._has_room(leaf, stream, most))

    def cannot_be_filled(self, leaf: Leaf) -> bool:
        """Whether no number of passes that may be drawn can fill the leaf's share."""
        is_bounded = leaf.number in self._bounds.held
        balance = Balance(
            due=self._due(leaf) - 2 * self._longest(leaf) * (len(leaf.by) + 1),
            held=self._in_all_passes(leaf),
            allowed=self._bounds.most_allowed(leaf, self._size) if is_bounded else inf,
            demand=demand_of(self._tree, self._bounds, leaf) if is_bounded else None,
        )
        return not balance.is_enough

    def _in_all_passes(self, leaf: Leaf) -> float:
        """What all passes that may be drawn hold at most. Passes differ in their spans, and much where there are few samples."""
        passes, samples = self._passes(leaf), max(1, sum(h.samples for h in self._held(leaf, 0)))
        more = self._request.mixture.passes - len(passes)
        return sum(passes) + more * max(passes) * (1 + 2 / sqrt(samples))

    def _most(self, leaf: Leaf) -> Mapping[str, int] | None:
        return self._bounds.of(leaf, self._size) if leaf.number in self._bounds.held else None

    def _has_room(self, leaf: Leaf, stream: LeafStream, most: Mapping[str, int]) -> bool:
        """Whether any speaker may still give a sample as short as its shortest: where all have what they may, no pass gives more."""
        names = self._bounds.names(leaf)
        room = (most[name] - stream.counted(name) >= spoken.shortest for name, spoken in names.items())
        return self._bounds.has_unnamed(leaf) or any(room)

    def _due(self, leaf: Leaf) -> float:
        return float(self._size * self._tree.share_of(leaf))

    def _longest(self, leaf: Leaf) -> int:
        counts = range(self._request.passes[leaf.task, leaf.source])
        return max((h.longest(self._unit) for n in counts for h in self._held(leaf, n)), default=0)

    def _passes(self, leaf: Leaf) -> list[int]:
        """What each pass that is composed holds of the leaf."""
        counts = range(self._request.passes[leaf.task, leaf.source])
        return [sum(h.amount(self._unit) for h in self._held(leaf, n)) for n in counts]

    def _held(self, leaf: Leaf, pass_number: int) -> list[HeldAmounts]:
        rows = read_held(self._store, (leaf.task, leaf.source), pass_number)
        levels = [level for level in leaf.by if level != "source"]
        return [h for h in rows if all(getattr(h, level) == getattr(leaf, level) for level in levels)]


def _available(stream: LeafStream, enough: float) -> int:
    """What a leaf has left to draw, counted until it is enough."""
    total = 0
    for some in stream.rest():
        total += int(some.costs.sum())
        if total >= enough:
            break
    return total
