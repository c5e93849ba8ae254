"""The audit of one stage's stream: plan, tars, index and the list of tars against each other, and shares against the recipe.

StreamAudit(store, "pretrain", stage).run(faults)  ->  StageAudit("pretrain", tasks=(TaskAudit("words", …), …), …)
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from weft.pipelines.mixing.index import ROWS, index_rows, wids
from weft.pipelines.mixing.plan import (
    checksum,
    held_by,
    plan_name,
    read_leaves,
    read_summary,
    read_tars,
    read_tree,
    shown_unit,
    size_of,
)  # fmt: skip
from weft.pipelines.mixing.shards import contents_of, index_name, rows_name, tar_name, wids_name
from weft.pipelines.mixing.shares import COLUMNS, Shares
from weft.pipelines.mixing.tree import PlanError, tree_of
from weft.pipelines.parts import stamp_of
from weft.pipelines.store import Store
from weft.schemas.audit import EpochAudit, StageAudit
from weft.schemas.plan import Tar
from weft.schemas.shard import IndexRow
from weft.schemas.table import arrow_schema
from weft.schemas.training import TrainingStage

AGAIN = "build again with --verify to mend it"


@dataclass(frozen=True)
class StreamAudit:
    """One stage; without `stage` it is what is held out for validation, which has no shares to keep. `before` it goes on from."""

    store: Store
    name: str
    stage: TrainingStage | None
    before: tuple[str, ...] = ()

    def run(self, faults: list[str]) -> StageAudit | None:
        """Adds what is wrong to `faults`; None where no shares can be told."""
        wrong = len(faults)
        faults.extend(self._plan_faults())
        if len(faults) > wrong:
            return None
        faults.extend(self._tar_faults())
        with readable(wids_name(self.name), faults):
            if self.store.read(wids_name(self.name)) != wids(self.store, self.name):
                faults.append(f"{wids_name(self.name)} does not list the tars as they are; {AGAIN}")
        with readable(index_name(self.name), faults):
            faults.extend(self._index_faults())
            return self._shares(faults)
        return None

    def _plan_faults(self) -> Iterator[str]:
        """The plan's files against their sums, and its tree against the recipe and what the tasks hold."""
        found: list[str] = []
        with readable(plan_name(self.name), found):
            summary = read_summary(self.store, self.name)
            for name, was in summary.files.items():
                with readable(name, found):
                    if checksum(self.store, name) != was:
                        found.append(f"{name} is not what was planned; {AGAIN}")
            if not found and self.stage:
                found.extend(self._tree_faults(self.stage))
        yield from found

    def _tree_faults(self, stage: TrainingStage) -> Iterator[str]:
        nodes = [(leaf.task, leaf.source) for leaf in read_leaves(self.store, self.name)]
        named = read_tree(self.store, self.name)
        found: list[str] = []
        with readable("order/", found):
            held = held_by(self.store, dict.fromkeys(nodes))
            try:
                wanted = tree_of(stage.mixture, held)
            except (PlanError, KeyError) as fault:
                found.append(f"{plan_name(self.name)} does not fit the recipe ({fault}); {AGAIN}")
            else:
                if wanted.nodes != named.nodes:
                    found.append(f"{plan_name(self.name)} has other shares than the recipe and the data give; {AGAIN}")
        summary = read_summary(self.store, self.name)
        if summary.size != size_of(stage):
            found.append(f"{plan_name(self.name)} is of {summary.size:,}, the recipe of {size_of(stage):,}; {AGAIN}")
        yield from found

    def _tar_faults(self) -> Iterator[str]:
        """Each tar's bytes and rows against the plan, and files that are no tar of it."""
        tars = read_tars(self.store, self.name)
        for tar in tars:
            yield from self._one_tar(tar)
        known = {tar_name(self.name, tar) for tar in tars}
        for name in self.store.names(f"shards/{self.name}", ".tar"):
            if name not in known:
                yield f"{name} is not a tar of the plan; build again to remove it"

    def _one_tar(self, tar: Tar) -> Iterator[str]:
        name = tar_name(self.name, tar)
        found: list[str] = []
        if not self.store.exists(name):
            found.append(f"{name} is missing; build again to make it")
        with readable(rows_name(name), found):
            contents = contents_of(self.store, self.name, tar)
            stamp = stamp_of(self.store, rows_name(name))
            if stamp is None:
                found.append(f"{rows_name(name)} is missing or broken; build again to make it")
            elif stamp.fingerprint != contents.fingerprint:
                found.append(f"{name} was written from other samples than the plan names; build again to make it")
            elif self.store.exists(name) and (size := self.store.size(name)) != contents.size:
                found.append(
                    f"{name} holds {size:,} bytes where {contents.size:,} were written; build again to mend it"
                )
        yield from found

    def _index_faults(self) -> Iterator[str]:
        """Row n of the index against the next row of its leaf's tars, in every column."""
        with self.store.open(index_name(self.name)) as file:
            index = pq.ParquetFile(file, page_checksum_verification=True)
            draws = read_summary(self.store, self.name).draws
            if index.metadata.num_rows != draws:
                yield f"{index_name(self.name)} has {index.metadata.num_rows:,} rows for {draws:,} draws; {AGAIN}"
                return
            first = 0
            for wanted, batch in zip(index_rows(self.store, self.name), index.iter_batches(ROWS), strict=False):
                found = pa.Table.from_batches([batch]).replace_schema_metadata(None)
                if not found.equals(wanted):
                    yield f"{index_name(self.name)}: {_difference(first, found, wanted)}; {AGAIN}"
                    return
                first += len(found)

    def _shares(self, faults: list[str]) -> StageAudit | None:
        if not self.stage:
            return None
        tree, tars, summary = (
            read_tree(self.store, self.name),
            read_tars(self.store, self.name),
            read_summary(self.store, self.name),
        )
        shares = Shares(tree, self.stage)
        with self.store.open(index_name(self.name)) as file:
            for batch in pq.ParquetFile(file, page_checksum_verification=True).iter_batches(50_000, columns=COLUMNS):
                shares.add(pa.Table.from_batches([batch]))
        faults.extend(self._mixture_faults(self.stage, shares, summary.ended))
        sizes = (self.store.size(tar_name(self.name, t)) for t in tars if self.store.exists(tar_name(self.name, t)))
        return StageAudit(
            stage=self.name, unit=self.stage.mixture.unit, size=float(self.stage.mixture.size), draws=summary.draws, shards=len(tars),
            bytes=sum(sizes), ended=summary.ended, tasks=shares.tasks(), shares=shares.nodes(), groups=shares.groups(),
            epochs=self._epochs(),
        )  # fmt: skip

    def _mixture_faults(self, stage: TrainingStage, shares: Shares, ended: str) -> Iterator[str]:
        unit, scale = shown_unit(stage)
        if shares.strays:
            yield f"{index_name(self.name)}: {shares.strays:,} rows are of no task and source of the mixture; {AGAIN}"
        for node in shares.astray():
            worst, allowed = shares.worst(node) / scale, shares.allowed(node) / scale
            yield f"{self.name}: {node.path} strays {worst:,.0f} {unit} from its share; one sample is {allowed:,.0f}"
        for task, source, speaker, cost, bound in shares.over_bound():
            fills = f"fills {cost / scale:,.0f} {unit} of {task}; its bound is {bound / scale:,.0f}"
            yield f"{self.name}: speaker {speaker!r} of {source} {fills}"
        if not ended and shares.cost < size_of(stage):
            yield f"{self.name}: the stream holds {shares.cost / scale:,.0f} of {size_of(stage) / scale:,.0f} {unit}"

    def _epochs(self) -> tuple[EpochAudit, ...]:
        """By task and source, over this stage and those it goes on from."""
        samples: dict[tuple[str, str], int] = {}
        held: dict[tuple[str, str], int] = {}
        skipped: dict[tuple[str, str], int] = {}
        mine = read_leaves(self.store, self.name)
        earlier = [leaf for stage in self.before for leaf in read_leaves(self.store, stage)]
        for leaf in (*earlier, *mine):
            samples[leaf.task, leaf.source] = samples.get((leaf.task, leaf.source), 0) + leaf.samples
        for leaf in mine:
            held[leaf.task, leaf.source] = held.get((leaf.task, leaf.source), 0) + leaf.held
            skipped[leaf.task, leaf.source] = skipped.get((leaf.task, leaf.source), 0) + leaf.skipped
        return tuple(
            EpochAudit(
                task=task, source=source, epochs=samples[task, source] / max(1, count), skipped=skipped[task, source]
            )
            for (task, source), count in held.items()
        )


@contextmanager
def readable(name: str, faults: list[str]) -> Iterator[None]:
    """A file that is missing or broken is a fault, told with its name."""
    try:
        yield
    except FileNotFoundError as error:
        faults.append(f"{error.filename or name} is missing; build again to make it")
    except (OSError, pa.ArrowException, json.JSONDecodeError, UnicodeDecodeError, TypeError, KeyError) as error:
        faults.append(f"{name} cannot be read ({type(error).__name__}: {error}); {AGAIN}")


def _difference(first: int, found: pa.Table, wanted: pa.Table) -> str:
    """The first row that differs, and in which columns."""
    if len(found) != len(wanted) or found.column_names != wanted.column_names:
        return f"{len(found):,} rows from draw {first:,} on where the tars give {len(wanted):,}"
    names = arrow_schema(IndexRow).names
    for n, (one, other) in enumerate(zip(found.to_pylist(), wanted.to_pylist(), strict=True)):
        if columns := [name for name in names if one[name] != other[name]]:
            return (
                f"row {first + n:,} is not draw {first + n:,} of the plan ({other['key']}): {', '.join(columns)} differ"
            )
    return f"rows from {first:,} on differ"
