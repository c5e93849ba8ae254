"""`weft plan --changes`: lists what a build would do again, and why. The corpus is only read.

align/speech: 3 of 12 parts again: perhaps, as segment/speech is made again
aligner: setting `seconds` was 900.0, is now 1800.0
encode/pitch/speech: 12 parts are new
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

from rich.console import Console

from weft.jobs.printing import plain
from weft.pipelines.corpus.listing import list_source
from weft.pipelines.graph import Pipeline
from weft.pipelines.mixing.plan_request import PlanRequest
from weft.pipelines.mixing.plan_work import PlanWork, ValidationPlanWork
from weft.pipelines.mixing.stream_works import Parts, first_orders, index_work, plan_works, tar_works
from weft.pipelines.mixing.supply import short
from weft.pipelines.mixing.tree import PlanError
from weft.pipelines.parts.work import Work
from weft.pipelines.storage.damage import Damaged
from weft.pipelines.storage.store import Store
from weft.schemas.changes import all_passes, summed
from weft.schemas.counting import are


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a build would do with a piece of work: "kept", "again" or "new"."""

    what: str
    why: tuple[str, ...] = ()


class Overlay(Store):
    """A corpus with a scratch folder over it: writes go to the scratch folder, and reads prefer it."""

    def __init__(self, corpus: Store, scratch: str) -> None:
        super().__init__(corpus.url)
        self._scratch = Store(scratch)

    def exists(self, name: str) -> bool:
        return self._scratch.exists(name) or super().exists(name)

    def size(self, name: str) -> int:
        return self._scratch.size(name) if self._scratch.exists(name) else super().size(name)

    def remove(self, name: str) -> None:
        """Does nothing: the corpus is not changed."""

    def open(self, name: str) -> BinaryIO:
        return self._scratch.open(name) if self._scratch.exists(name) else super().open(name)

    @contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        with self._scratch.writing(name) as file:
            yield file


def show_changes(console: Console, pipeline: Pipeline, store: Store) -> None:
    """Prints a line for each stage and source that would run, with the reason. Raises EmptySource."""
    lines = changes(pipeline, store)
    for line in lines:
        console.print(plain(line), highlight=False, markup=False)
    if not lines:
        console.print(plain(f"{store.url}: nothing would be done again"), highlight=False, markup=False)


def changes(pipeline: Pipeline, store: Store) -> list[str]:
    """A line for each node of which something is new or would be done again. Raises EmptySource."""
    with tempfile.TemporaryDirectory() as scratch:
        overlay = Overlay(store, scratch)
        size = pipeline.recipe.part_size
        parts = {name: list_source(overlay, name, source, size) for name, source in pipeline.sources.items()}
        works = [*pipeline.works(parts), *_streams(pipeline, overlay, parts)]
        return list(_lines(works, _Verdicts(works, overlay)))


def _streams(pipeline: Pipeline, store: Store, parts: Parts) -> Iterator[Work]:
    """The work of orders, plans, tars and indexes: as many passes as the existing data need, and the tars of the existing plans."""
    yield from first_orders(pipeline, parts)
    for works in plan_works(pipeline, parts, partial(_short, store)):
        yield from works
        for plan in (work for work in works if isinstance(work, PlanWork | ValidationPlanWork)):
            yield from _tars(store, plan.stage)


def _short(store: Store, request: PlanRequest) -> list[tuple[str, str]]:
    try:
        return short(store, request)
    except (FileNotFoundError, Damaged, PlanError):  # only existing samples can be counted
        return []


def _tars(store: Store, stage: str) -> list[Work]:
    try:
        tars = tar_works(store, stage)
    except (FileNotFoundError, Damaged):  # not planned yet
        tars = []
    return [*tars, index_work(stage, tars)]


class _Verdicts:
    """The verdict on each piece of work. It depends on the verdicts on the work that makes its inputs."""

    def __init__(self, works: Sequence[Work], store: Store) -> None:
        self._makers = {work.makes: work for work in works}
        self._verdicts: dict[str, Verdict] = {}
        self._store = store

    def verdict(self, work: Work) -> Verdict:
        if work.makes not in self._verdicts:
            self._verdicts[work.makes] = self._computed(work)
        return self._verdicts[work.makes]

    def _computed(self, work: Work) -> Verdict:
        makers = [self._makers[name] for name in work.needs if name in self._makers]
        pending = dict.fromkeys(all_passes(maker.node) for maker in makers if self.verdict(maker).what != "kept")
        if (not pending or work.frozen) and self._is_done(work):
            return Verdict("kept")
        why = self._why(work)
        if why is None:
            return Verdict("new")
        return Verdict("again", (*why, *(f"perhaps, as {node} is made again" for node in pending)))

    def _is_done(self, work: Work) -> bool:
        try:
            return work.done(self._store)
        except FileNotFoundError:  # of what it needs
            return False

    def _why(self, work: Work) -> list[str] | None:
        try:
            return work.why(self._store)
        except FileNotFoundError:
            return []


def _lines(works: Sequence[Work], verdicts: _Verdicts) -> Iterator[str]:
    by_node: dict[str, list[Verdict]] = {}
    for work in works:
        by_node.setdefault(all_passes(work.node), []).append(verdicts.verdict(work))
    for node, all_of_node in by_node.items():
        if again := [v.why for v in all_of_node if v.what == "again"]:
            yield summed(node, len(all_of_node), again)
        if new := sum(v.what == "new" for v in all_of_node):
            yield (
                f"{node}: new"
                if len(all_of_node) == 1
                else f"{node}: {new:,} of {len(all_of_node):,} parts {are(new)} new"
            )
