"""The mixture as a tree: tasks, below them sources, and languages and emotions where a task's `by` names them.

    tree_of(stage.mixture, held)  ->  Tree(nodes=(MixtureNode("words", share=1, whole=3), …), leaves=(…))

Shares are whole numbers, so that draws are computed exactly. Declared shares are exact while their common denominator is at most
2**32. Measured shares, and those with more digits, are rounded to multiples of 2**-32 and marked as `rounded`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import lcm

from weft.pipelines.mixing.fair_queue import WHOLE
from weft.schemas.mixture import GroupShares, Mixture, TaskShare, Tempered
from weft.schemas.plan import HeldAmounts, Leaf, MixtureNode

HeldByTask = Mapping[str, Mapping[str, Sequence[HeldAmounts]]]  # by task and source


class PlanError(ValueError):
    """A mixture that the data cannot fill; the message says by how much and what to do."""


@dataclass(frozen=True)
class Tree:
    """Nodes in order, parents before their children, and the leaves they end in."""

    nodes: tuple[MixtureNode, ...]
    leaves: tuple[Leaf, ...]

    def children(self, parent: int) -> list[MixtureNode]:
        return [node for node in self.nodes if node.parent == parent]

    def share_of(self, leaf: Leaf) -> Fraction:
        """The leaf's share of the whole stage."""
        node = next(n for n in self.nodes if n.leaf == leaf.number)
        share = Fraction(node.share, node.whole)
        while node.parent >= 0:
            node = self.nodes[node.parent]
            share *= Fraction(node.share, node.whole)
        return share


@dataclass(frozen=True)
class _Group:
    """The data below a node: its source, language and emotion as far as they are fixed, and the counts by source."""

    values: dict[str, str]
    held: dict[str, list[HeldAmounts]]

    def amount(self, unit: str) -> int:
        return sum(h.amount(unit) for of in self.held.values() for h in of)

    def split(self, level: str) -> dict[str, "_Group"]:
        """A group for each value of a level, by name."""
        by_value: dict[str, dict[str, list[HeldAmounts]]] = {}
        for source, rows in self.held.items():
            if level == "source":
                by_value[source] = {source: rows}
                continue
            for row in rows:
                by_value.setdefault(getattr(row, level), {}).setdefault(source, []).append(row)
        return {value: _Group({**self.values, level: value}, by_value[value]) for value in sorted(by_value)}


class _TreeBuilder:
    """Grows a tree from the root."""

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.nodes: list[MixtureNode] = []
        self.leaves: list[Leaf] = []

    def task(self, name: str, share: "Share", below: TaskShare, held: Mapping[str, Sequence[HeldAmounts]]) -> None:
        if not any(rows for rows in held.values()):
            raise PlanError(
                f"task {name!r} has no samples: all that its sources hold was rejected (`weft rejects CORPUS` says why) or is of "
                "another split than the task draws"
            )
        node = self._add(-1, "task", name, path=name, share=share)
        group = _Group({}, {source: list(rows) for source, rows in held.items()})
        self._below(node, name, group, below.levels)

    def _add(self, parent: int, level: str, value: str, path: str, share: "Share") -> int:
        number = len(self.nodes)
        self.nodes.append(
            MixtureNode(
                number=number, parent=parent, level=level, value=value, path=path, share=share.parts, whole=share.whole,
                rounded=share.rounded,
            )
        )  # fmt: skip
        return number

    def _below(self, node: int, task: str, group: _Group, levels: Sequence[tuple[str, GroupShares]]) -> None:
        if not levels:
            self._leaf(node, task, group)
            return
        (level, shares), *rest = levels
        groups = group.split(level)
        path = self.nodes[node].path
        for value, share in shared(path, level, shares, {v: g.amount(self.unit) for v, g in groups.items()}).items():
            child = self._add(node, level, value, path=f"{path}/{value or 'unknown'}", share=share)
            self._below(child, task, groups[value], rest)

    def _leaf(self, node: int, task: str, group: _Group) -> None:
        number = len(self.leaves)
        self.nodes[node] = replace(self.nodes[node], leaf=number)
        of = group.values
        leaf = Leaf(
            number=number, task=task, source=of["source"], language=of.get("language", ""), emotion=of.get("emotion", ""),
            by=tuple(of), held=sum(h.samples for rows in group.held.values() for h in rows),
        )  # fmt: skip
        self.leaves.append(leaf)


@dataclass(frozen=True, slots=True)
class Share:
    """`parts` of `whole`."""

    parts: int
    whole: int
    rounded: bool


def tree_of(mixture: Mixture, held: HeldByTask) -> Tree:
    """The tree of a mixture over the counts of its tasks. Raises PlanError where declared shares do not fit the data."""
    builder = _TreeBuilder(mixture.unit)
    weights = dict(zip(mixture.weights, whole_shares(list(mixture.weights.values())), strict=True))
    for task, below in sorted(mixture.tasks.items()):  # the order of a recipe's keys means nothing
        builder.task(task, weights[task], below, held[task])
    return Tree(tuple(builder.nodes), tuple(builder.leaves))


def shared(path: str, level: str, shares: GroupShares, held: Mapping[str, int]) -> dict[str, Share]:
    """The share of each value of a level. Values without samples are left out of measured shares."""
    if isinstance(shares, dict):
        _same_names(path, level, shares, held)
        declared = {value: Fraction(str(shares[value])) for value in sorted(shares)}
        return dict(zip(declared, whole_shares([d / sum(declared.values()) for d in declared.values()]), strict=True))
    present = {value: amount for value, amount in held.items() if amount} or dict.fromkeys(held, 1)
    power = shares.temperature if isinstance(shares, Tempered) else 1
    return dict(zip(present, measured([_tempered(a, power) for a in present.values()]), strict=True))


def _same_names(path: str, level: str, shares: Mapping[str, float], held: Mapping[str, int]) -> None:
    there = {value for value, amount in held.items() if amount}
    if missing := sorted(there - set(shares)):
        raise PlanError(
            f"{path}: {level} {missing[0]!r} is in the data and has no share in `by`; give it one, or leave its data out"
        )
    if absent := sorted(set(shares) - there):
        raise PlanError(
            f"{path}: {level} {absent[0]!r} has a share in `by` and no samples; there are {', '.join(map(repr, sorted(there)))} "
            "(a level is shared out inside the one before it)"
        )


def _tempered(amount: int, power: float) -> Fraction:
    return Fraction(amount) if power == 1 else Fraction(float(amount) ** power)


def whole_shares(shares: Sequence[Fraction]) -> list[Share]:
    """Exact shares that sum to 1, in whole numbers; rounded where their denominator is above 2**32."""
    whole = lcm(*(share.denominator for share in shares))
    if whole > WHOLE:
        return measured(shares)
    return [Share(parts=int(share * whole), whole=whole, rounded=False) for share in shares]


def measured(amounts: Sequence[Fraction]) -> list[Share]:
    """Amounts as multiples of 2**-32 of their sum, each at least one: the largest remainders are rounded up."""
    if len(amounts) == 1:
        return [Share(parts=1, whole=1, rounded=False)]
    exact = [amount * WHOLE / sum(amounts) for amount in amounts]
    parts = [max(1, int(e)) for e in exact]
    order = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    left = WHOLE - sum(parts)
    for n in range(
        abs(left)
    ):  # at most one each: rounding down loses less than one a share, and so does the least of one
        parts[order[n % len(order)] if left > 0 else max(range(len(parts)), key=lambda i: parts[i])] += (
            1 if left > 0 else -1
        )
    return [Share(parts=p, whole=WHOLE, rounded=True) for p in parts]
