"""Plans a training stage: which leaf of the mixture each draw comes from, and which tars hold the samples.

    plan(store, PlanRequest(name="pretrain", …), made_from)   ->  plan/pretrain.parquet, -tree, -leaves, -tars, pretrain.json

Everything is streamed: samples in, draws out, so memory does not grow with the corpus.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from weft.pipelines.mixing.bounds import SpeakerBounds
from weft.pipelines.mixing.fair_queue import Branch, Draws, DrawSource, TooLong
from weft.pipelines.mixing.largest_size import Sizes, largest_size
from weft.pipelines.mixing.leaves import LeafStream, Scope
from weft.pipelines.mixing.order import read_held
from weft.pipelines.mixing.plan_files import plan_name, read_leaves
from weft.pipelines.mixing.plan_request import PlanRequest, size_of
from weft.pipelines.mixing.plan_writing import CHUNK, DrawTotals, PlanHeader, write_draws, write_plan
from weft.pipelines.mixing.refusals import record_refusal, refusal_name
from weft.pipelines.mixing.shortfall import Exhaustion, check_bounds
from weft.pipelines.mixing.tree import HeldByTask, PlanError, Tree, tree_of
from weft.pipelines.storage.store import Store
from weft.schemas.changes import MadeFrom
from weft.schemas.mixture import Mixture
from weft.schemas.plan import VALIDATION, VALIDATION_STAGE, HeldAmounts, Leaf

VERSION = "plan-4"


def held_by(store: Store, nodes: Iterable[tuple[str, str]], pass_number: int = 0) -> HeldByTask:
    """What one pass of each task and source holds."""
    held_rows: dict[str, dict[str, Sequence[HeldAmounts]]] = {}
    for task, source in nodes:
        held_rows.setdefault(task, {})[source] = read_held(store, (task, source), pass_number)
    return held_rows


def plan(store: Store, request: PlanRequest, made_from: MadeFrom) -> int:
    """Writes the plan and returns its number of draws. Raises PlanError, after recording the reason in the corpus."""
    store.remove(plan_name(request.name))
    try:
        draws = _plan(store, request, made_from)
    except PlanError as fault:
        record_refusal(store, request.name, request.stage, str(fault))
        raise
    store.remove(refusal_name(request.name))
    return draws


def _plan(store: Store, request: PlanRequest, made_from: MadeFrom) -> int:
    planner = _Planner(store, request)
    check_bounds(request, planner.tree, planner.bounds)
    run = planner.run(size_of(request.stage))
    if run.ended >= 0 and (
        request.mixture.exhausted != "stop" or not run.totals.cost
    ):  # a stage of nothing trains nothing
        short = planner.exhaustion(run, run.ended)
        raise PlanError(f"stage {request.name!r}: {short.what()}; {short.advice()}")
    ended, run = (run.ended, planner.fitted(run)) if run.ended >= 0 else (-1, run)
    why = planner.exhaustion(run, ended).what() if ended >= 0 else ""
    header = PlanHeader(
        name=request.name, made_from=made_from, unit=request.mixture.unit, size=size_of(request.stage), ended=why
    )
    return write_plan(store, planner.tree, run.streams, run.totals, header)


@dataclass(frozen=True, eq=False)
class _DrawnStage:
    """Draws of a stage up to `size`, under the bounds of that size, and the leaf that had no more before (-1: none)."""

    size: int
    streams: Sequence[LeafStream]
    totals: DrawTotals
    ended: int


class _Planner:
    """Draws a stage to any size, and writes which leaf each draw comes from."""

    def __init__(self, store: Store, request: PlanRequest) -> None:
        self._store, self._request = store, request
        self.tree = tree_of(request.mixture, held_by(store, request.passes))
        self.bounds = SpeakerBounds(store, request, self.tree)
        self._before = [leaf for stage in request.after for leaf in read_leaves(store, stage)]

    def run(self, size: int) -> _DrawnStage:
        """Each run overwrites the draws of the run before."""
        bounds = self.bounds.at(size)
        streams = [
            stream_of(self._store, self._request, leaf, before=self._before, most=bounds.get(leaf.number))
            for leaf in self.tree.leaves
        ]
        root = _branch(self.tree, streams)
        totals = write_draws(self._store, self._request.name, _until(root, size), len(streams))
        return _DrawnStage(size=size, streams=streams, totals=totals, ended=root.ended if totals.cost < size else -1)

    def fitted(self, first: _DrawnStage) -> _DrawnStage:
        """The run of a stage that ends early: as long as it can be with its speakers' bounds kept. Raises PlanError."""
        if not self.bounds.leaves:
            return first
        latest = first

        def is_whole(size: int) -> bool:
            nonlocal latest
            latest = self.run(size)
            return latest.ended < 0

        longest = max((stream.longest for stream in first.streams), default=0)
        size = largest_size(Sizes(drawn=first.totals.cost, step=longest), is_whole, self.bounds.one_pass_suffices)
        if not size:
            short = self.exhaustion(first, first.ended)
            raise PlanError(
                f"stage {self._request.name!r}: {short.what()}, and at no smaller size do its bounds hold; {short.advice()}"
            )
        return latest if latest.size == size else self.run(size)

    def exhaustion(self, run: _DrawnStage, leaf: int) -> Exhaustion:
        """Why there is no more than this run, of which `leaf` is what had none left."""
        return Exhaustion(
            request=self._request, tree=self.tree, bounds=self.bounds, leaf=self.tree.leaves[leaf],
            samples=int(run.totals.counts[leaf]), drawn=run.totals.cost, size=run.size,
        )  # fmt: skip


def plan_validation(store: Store, nodes: Iterable[tuple[str, str]], made_from: MadeFrom) -> int:
    """Plans what is held out for validation of these tasks and sources: all of it once, in proportion as long as that goes."""
    held = held_by(store, nodes, VALIDATION)
    samples = {task: n for task, of in held.items() if (n := sum(h.samples for rows in of.values() for h in rows))}
    total = sum(samples.values())
    tree = Tree((), ())
    if samples:
        mixture = Mixture(unit="samples", total=total, shares={task: float(n) for task, n in samples.items()})
        tree = tree_of(mixture, held)
    scope = Scope(unit="samples", passes=(VALIDATION,))
    streams = [LeafStream(store, leaf, scope) for leaf in tree.leaves]
    root = _branch(tree, streams)
    draws = chain(_until(root, total), root.rest())
    totals = write_draws(store, VALIDATION_STAGE, draws, len(streams))
    return write_plan(
        store,
        tree,
        streams,
        totals,
        header=PlanHeader(name=VALIDATION_STAGE, made_from=made_from, unit="samples", size=total, ended=""),
    )


def stream_of(
    store: Store, request: PlanRequest, leaf: Leaf, before: Sequence[Leaf], most: Mapping[str, int] | None
) -> LeafStream:
    """The samples that a leaf may draw; `before` are the leaves of the stages it goes on from, `most` its speakers' bounds."""
    mine = [b for b in before if (b.task, b.source) == (leaf.task, leaf.source)]
    passes = range(request.passes[leaf.task, leaf.source])
    scope = Scope(unit=request.mixture.unit, passes=passes, before=mine, most=most)
    return LeafStream(store, leaf, scope)


def _branch(tree: Tree, streams: Sequence[LeafStream], parent: int = -1) -> Branch:
    children = tree.children(parent)
    below: list[DrawSource] = [streams[n.leaf] if n.leaf >= 0 else _branch(tree, streams, n.number) for n in children]
    return Branch(below, [n.share for n in children])


def _until(root: Branch, size: int) -> Iterator[Draws]:
    """Draws until `size` is drawn, or a leaf has no more."""
    left = size
    try:
        while left > 0 and len(some := root.take(CHUNK, left)):
            left -= int(some.costs.sum())
            yield some
    except TooLong as fault:
        raise PlanError(f"{fault}: declare this mixture in samples or tokens") from None
