"""Whether what is composed suffices for a stage, and which sources must be gone through once more.

short(store, wanted)  ->  [("words", "speech")]
"""

from collections.abc import Mapping
from dataclasses import replace
from math import inf

from weft.pipelines.mixing.bounds import speaker_bounds
from weft.pipelines.mixing.leaves import LeafStream
from weft.pipelines.mixing.plan import Wanted, held_by, read_leaves, size_of, stream_of
from weft.pipelines.mixing.tree import Tree, tree_of
from weft.pipelines.parts import read_part
from weft.pipelines.store import Store
from weft.schemas.plan import Held, Leaf, held_name, node_of


def short(store: Store, wanted: Wanted) -> list[tuple[str, str]]:
    """Tasks and sources whose composed passes do not cover their share yet and may be drawn again."""
    mixture = wanted.mixture
    again = [of for of, count in wanted.passes.items() if mixture.exhausted == "repeat" and count < mixture.passes]
    if not again:
        return []
    tree = tree_of(mixture, held_by(store, wanted.passes))
    bounds = speaker_bounds(store, wanted, tree, size_of(wanted.stage))
    return [
        of
        for of in again
        if any(
            _short(store, wanted, tree, leaf, bounds.get(leaf.number))
            for leaf in tree.leaves
            if (leaf.task, leaf.source) == of
        )
    ]


def _short(store: Store, wanted: Wanted, tree: Tree, leaf: Leaf, most: Mapping[str, int] | None) -> bool:
    """A stream may run ahead of a share by a sample at each level above it, and end a sample late."""
    held = [h for n in range(wanted.passes[leaf.task, leaf.source]) for h in _held(store, leaf, n)]
    unit = wanted.mixture.unit
    longest = max((h.longest(unit) for h in held), default=0)
    due = float(size_of(wanted.stage) * tree.share_of(leaf)) + 2 * longest * (len(leaf.by) + 1)
    total = sum(h.amount(unit) for h in held)
    if not longest or (total < due and most is None):
        return bool(longest)
    if not wanted.after and most is None:
        return False
    before = _before(store, wanted)
    there = _available(stream_of(store, wanted, leaf, before, most), due)
    return there < due and (most is None or _gives_more(store, wanted, leaf, before, most, there))


def _gives_more(
    store: Store, wanted: Wanted, leaf: Leaf, before: list[Leaf], most: Mapping[str, int], there: int
) -> bool:
    """Whether the last pass gave anything: where all speakers have what they may, no further one does."""
    of = leaf.task, leaf.source
    if wanted.passes[of] == 1:
        return True
    fewer = replace(wanted, passes={**wanted.passes, of: wanted.passes[of] - 1})
    return _available(stream_of(store, fewer, leaf, before, most)) < there


def _held(store: Store, leaf: Leaf, pass_number: int) -> list[Held]:
    rows = read_part(store, held_name(node_of(leaf.task, pass_number, leaf.source)), Held)
    return [h for h in rows if all(getattr(h, level) == getattr(leaf, level) for level in leaf.by if level != "source")]


def _before(store: Store, wanted: Wanted) -> list[Leaf]:
    return [leaf for stage in wanted.after for leaf in read_leaves(store, stage)]


def _available(stream: LeafStream, enough: float = inf) -> int:
    """What a leaf has left to draw, counted until it is enough."""
    total = 0
    for some in stream.rest():
        total += int(some.costs.sum())
        if total >= enough:
            break
    return total
