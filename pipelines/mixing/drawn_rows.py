"""Whether a stage draws what is next in turn: the rows behind those that the stages it goes on from drew, none twice, none passed over.

faults_of_draws(store, "main", before=("align",))
->  "draws 70 samples of asr/read (such as row 0 of pass 0) that are not next in turn behind what align drew", …

The rows of a plan's tars are compared with the order of its leaves, read anew.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from weft.pipelines.mixing.leaves import LeafStream, Scope
from weft.pipelines.mixing.plan_files import read_leaves, read_tars, rows_of
from weft.pipelines.storage.store import Store
from weft.schemas.counting import counted
from weft.schemas.plan import VALIDATION, Leaf, Tar

RowsByPass = dict[int, NDArray[np.int32]]
"""RowsByPass of a node's order, by the number of their pass."""

_NONE = np.zeros(0, np.int32)


def faults_of_draws(store: Store, stage: str, before: Sequence[str]) -> Iterator[str]:
    """A sentence, which begins with what the plan does, for each leaf that draws other rows than it should."""
    earlier = [leaf for name in before for leaf in read_leaves(store, name)]
    after = f" behind what {', '.join(before)} drew" if before else ""
    tars = read_tars(store, stage)
    for leaf in read_leaves(store, stage):
        mine = [one for one in earlier if (one.task, one.source) == (leaf.task, leaf.source)]
        rows = {tar.number: rows_of(store, stage, tar) for tar in tars if tar.leaf == leaf.number}
        actual, wanted = _by_pass(tars, rows), _next_in_turn(store, leaf, mine)
        if extra := _without(actual, wanted):
            yield f"draws {_named(leaf, extra)} not next in turn{after}"
        elif (left := _without(wanted, actual)) and sum(map(len, left.values())) > leaf.skipped:
            yield f"passes over {_named(leaf, left)} next in turn{after}"


def _by_pass(tars: Sequence[Tar], rows_of_tar: Mapping[int, NDArray[np.int32]]) -> RowsByPass:
    """The rows that tars hold, by the number of the tar. A row that stands twice is kept twice."""
    rows: dict[int, list[NDArray[np.int32]]] = {}
    for tar in tars:
        if tar.number in rows_of_tar:
            rows.setdefault(tar.pass_number, []).append(rows_of_tar[tar.number])
    return {number: np.concatenate(some) for number, some in rows.items()}


def _next_in_turn(store: Store, leaf: Leaf, before: Sequence[Leaf]) -> RowsByPass:
    """The rows of a leaf from where the leaves before ended to where it ends itself, those beyond a speaker's bound among them."""
    passes = (VALIDATION,) if leaf.end_pass == VALIDATION else range(leaf.end_pass + 1)
    stream = LeafStream(store, leaf, Scope(unit="samples", passes=passes, before=before))
    for _ in stream.rest():
        pass
    rows: dict[int, list[NDArray[np.int32]]] = {}
    for stretch in stream.stretches:
        reached = stretch.rows < leaf.end_row if stretch.pass_number == leaf.end_pass else slice(None)
        rows.setdefault(stretch.pass_number, []).append(stretch.rows[reached])
    return {number: np.concatenate(some) for number, some in rows.items()}


def _without(some: RowsByPass, others: RowsByPass) -> RowsByPass:
    """The rows of `some` that are not among `others`, and those that stand twice."""
    left: RowsByPass = {}
    for number, rows in some.items():
        once, first = np.unique(rows, return_index=True)
        again = np.delete(rows, first)
        if len(rest := np.concatenate([np.setdiff1d(once, others.get(number, _NONE)), again])):
            left[number] = rest
    return left


def _named(leaf: Leaf, rows: RowsByPass) -> str:
    number, some = next(iter(rows.items()))
    total = sum(map(len, rows.values()))
    example = f"row {int(some[0]):,} of pass {number}"
    are = "is" if total == 1 else "are"
    which = f"({example})" if total == 1 else f"(such as {example})"
    return f"{counted(total, 'sample')} of {leaf.task}/{leaf.source} {which} that {are}"
