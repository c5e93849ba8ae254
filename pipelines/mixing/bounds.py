"""A speaker's bound in a task, divided among the leaves of the task in proportion to what each holds of the speaker.

    speaker_bounds(store, wanted, tree)  ->  {0: {"anna": 600}, 1: {"anna": 300, "ben": 900}}     leaf -> speaker -> units

A speaker of one leaf has the whole bound there; one of several never has more than it in all of them together. Speakers that
nobody names have none.
"""

from collections import Counter
from typing import TYPE_CHECKING

import pyarrow as pa

from weft.pipelines.mixing.leaves import belongs, cost_column
from weft.pipelines.mixing.order import Order
from weft.pipelines.mixing.tree import Tree
from weft.pipelines.store import Store
from weft.schemas.plan import Leaf, node_of

if TYPE_CHECKING:
    from weft.pipelines.mixing.plan import Wanted

Bounds = dict[int, dict[str, int]]


def speaker_bounds(store: Store, wanted: "Wanted", tree: Tree, size: int) -> Bounds:
    """Those of the leaves of tasks with `most`, in the units that a mixture of `size` units is counted in."""
    found: Bounds = {}
    for task, share in wanted.mixture.tasks.items():
        if "speaker" in share.most:
            whole = int(size * wanted.mixture.weights[task] * share.most["speaker"])
            found |= _divided([leaf for leaf in tree.leaves if leaf.task == task], whole, store, wanted.mixture.unit)
    return found


def _divided(leaves: list[Leaf], whole: int, store: Store, unit: str) -> Bounds:
    held = {leaf.number: _held(store, leaf, unit) for leaf in leaves}
    totals = sum(held.values(), Counter[str]())
    return {number: {s: whole * n // totals[s] for s, n in of.items()} for number, of in held.items()}


def _held(store: Store, leaf: Leaf, unit: str) -> Counter[str]:
    """What one pass over the leaf counts of each speaker."""
    order, held = Order(store, node_of(leaf.task, 0, leaf.source)), Counter[str]()
    begins = order.begins()
    columns = sorted({"tokens", "microseconds", "speaker", *(level for level in leaf.by if level != "source")})
    for group in range(len(begins) - 1):
        if begins[group] < begins[group + 1]:
            table = order.group(group, columns)
            costs = pa.table({"speaker": table["speaker"].cast(pa.string()), "cost": cost_column(unit, table)})
            sums = costs.filter(pa.array(belongs(table, leaf))).group_by("speaker").aggregate([("cost", "sum")])
            held.update(dict(zip(sums["speaker"].to_pylist(), sums["cost_sum"].to_pylist(), strict=True)))
    del held[""]
    return held
