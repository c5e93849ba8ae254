"""Why a stage is shorter than declared, or cannot be filled, in words and with figures.

stage 'pre': the 2 speakers of a/few may fill 0.2 of task a each (`most: {speaker: 0.2}`), 0.4 of it together, and a/few is due
0.5 of it; it takes 3 speakers, `most: {speaker: 0.25}`, or a share of 0.4
"""

from bisect import bisect_left
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, fsum

from weft.pipelines.mixing.bounds import UNNAMED, SpeakerBounds
from weft.pipelines.mixing.plan_request import PlanRequest, shown_unit, size_of
from weft.pipelines.mixing.tree import PlanError, Tree
from weft.schemas.counting import counted
from weft.schemas.plan import Leaf

_STEPS = 1000  # between 0 and 1, at which a better bound is searched


@dataclass(frozen=True)
class SpeakerDemand:
    """The share of `task` that is due of `path`, and the parts of the task that its speakers may fill: `most` each, `together` in all.

    `names` is the number of the speakers.
    """

    path: str
    task: str
    most: Fraction
    share: Fraction
    together: Fraction
    names: int

    @property
    def can_never_suffice(self) -> bool:
        """Whether its speakers can never fill the share, whatever the size of the stage and however much data each has."""
        return self.together < self.share * (1 - Fraction(1, 10**9))  # `together` may be a sum of rounded parts

    def refusal(self) -> str:
        """The reason, and what would help, with figures."""
        due = (
            f"all of it is due of {self.path}" if self.share == 1 else f"{self.path} is due {_short(self.share)} of it"
        )
        if not self.names:
            return f"{self.path} has no samples of any speaker, and {due}"
        who = f"the {counted(self.names, 'speaker')} of {self.path} may fill {_short(self.most)} of task {self.task}"
        each = f"{who}{' each' if self.names > 1 else ''} (`most: {{speaker: {_short(self.most)}}}`)"
        return f"{each}, {_short(self.together)} of it together, and {due}; it takes {self._remedy()}"

    def _remedy(self) -> str:
        remedies = [counted(ceil(self.share / self.most), "speaker")]
        if (needed := self.most * self.share / self.together) <= 1:
            remedies.append(f"`most: {{speaker: {ceil(needed * 10_000) / 10_000:g}}}`")
        if self.share < 1:
            remedies.append(f"a share of {floor(self.together * 10_000) / 10_000:g}")
        return ", ".join(remedies[:-1]) + (", or " if len(remedies) > 1 else "") + remedies[-1]


def _short(number: Fraction) -> str:
    return f"{float(number):.4g}"


def check_bounds(request: PlanRequest, tree: Tree, bounds: SpeakerBounds) -> None:
    """Raises PlanError where a leaf's speakers can never fill its share."""
    for leaf in bounds.leaves:
        if (demand := demand_of(tree, bounds, leaf)).can_never_suffice:
            raise PlanError(f"stage {request.name!r}: {demand.refusal()}")


def demand_of(tree: Tree, bounds: SpeakerBounds, leaf: Leaf) -> SpeakerDemand:
    """The demand of a leaf. Speakers without a name have no bound."""
    together = bounds.share(leaf) if bounds.has_unnamed(leaf) else bounds.together(leaf)
    return SpeakerDemand(
        path=path_of(tree, leaf), task=leaf.task, most=bounds.most(leaf.task), share=bounds.share(leaf), together=together,
        names=len(bounds.names(leaf)),
    )  # fmt: skip


def path_of(tree: Tree, leaf: Leaf) -> str:
    return next(node.path for node in tree.nodes if node.leaf == leaf.number)


@dataclass(frozen=True)
class Exhaustion:
    """A leaf without a sample left at its turn: after `samples` of its own, with `drawn` of `size` whole units drawn in all."""

    request: PlanRequest
    tree: Tree
    bounds: SpeakerBounds
    leaf: Leaf
    samples: int
    drawn: int
    size: int  # in whole units; the bounds are parts of it

    def what(self) -> str:
        """Where the stream ended, with figures."""
        unit, scale = shown_unit(self.request.stage)
        passes, most = self.request.passes[self.leaf.task, self.leaf.source], self.request.mixture.passes
        of = f"{passes:,} of {most:,} passes" if passes < most else counted(passes, "pass", "passes")
        declared = size_of(self.request.stage)
        return (
            f"{path_of(self.tree, self.leaf)} ran out after {counted(self.samples, 'sample')} in {of} over its data, "
            f"at {self.drawn / scale:,.0f} of {declared / scale:,.0f} {unit}{self._under()}"
        )

    def _under(self) -> str:
        if not (full := self._full()):
            return ""
        most = f"`most: {{speaker: {_short(self.bounds.most(self.leaf.task))}}}`"
        names = len(self.bounds.names(self.leaf))
        they = f"{full:,} of its {names:,} speakers" if names > 1 else "its one speaker"
        return f" ({they} {'has' if full == 1 else 'have'} all that {most} allows of what task {self.leaf.task} gives)"

    def _full(self) -> int:
        """The number of its speakers that hold at least as much as they may fill."""
        if self.leaf.number not in self.bounds.held:
            return 0
        allowed, passes = self.bounds.of(self.leaf, self.size), self.request.passes[self.leaf.task, self.leaf.source]
        return sum(s.amount * passes >= allowed[name] for name, s in self.bounds.names(self.leaf).items())

    def advice(self) -> str:
        """What the user can change so that the data suffice."""
        lower = "lower `total` or `scale`"
        if self._full():
            needed = self._needed()
            raised = f"add speakers, raise `most` to about {needed:g}" if needed else "add data of more speakers"
            share = " or its share of the task" if self.bounds.share(self.leaf) < 1 else ""
            return f"{raised}, {lower}{share}{self._or_stop()}"
        if self.request.passes[self.leaf.task, self.leaf.source] < self.request.mixture.passes:
            return f"no further pass can fill it: add data, {lower}, allow more `passes`{self._or_stop()}"
        return f"add data, {lower}, or set `exhausted: repeat` with more `passes` (or `exhausted: stop`)"

    def _or_stop(self) -> str:
        stops = self.request.mixture.exhausted == "stop"
        return "" if stops else ", or let it end early (`exhausted: stop`)"

    def _needed(self) -> float:
        """About the least `most` with which the data of its speakers would suffice; 0 where no bound would do."""
        passes = self.request.passes[self.leaf.task, self.leaf.source]
        held = {n: s.amount * passes for n, s in self.bounds.held[self.leaf.number].items()}
        allowed, most = self.bounds.of(self.leaf, self.size), float(self.bounds.most(self.leaf.task))
        due = float(size_of(self.request.stage) * self.tree.share_of(self.leaf))

        def there(at: int) -> float:
            return fsum(
                n if name == UNNAMED else min(n, allowed[name] * at / _STEPS / most) for name, n in held.items()
            )

        steps = range(1, _STEPS + 1)
        step = bisect_left(steps, due, key=there) + 1
        return step / _STEPS if most * _STEPS < step <= _STEPS else 0.0
