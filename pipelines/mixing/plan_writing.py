"""Writes the files of a plan: the draws as they come, then the tree, the leaves, the tars, and the summary last.

totals = write_draws(store, "pretrain", draws, leaves=3)
write_plan(store, tree, streams, totals, header)  ->  the number of draws
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from weft.pipelines.mixing.fair_queue import Draws
from weft.pipelines.mixing.leaves import LeafStream, Stretch
from weft.pipelines.mixing.order import Order
from weft.pipelines.mixing.plan_files import plan_files, plan_name
from weft.pipelines.mixing.tree import Tree
from weft.pipelines.models.folders import checksum_of
from weft.pipelines.storage.store import Store
from weft.schemas.changes import MadeFrom
from weft.schemas.fingerprint import digest
from weft.schemas.plan import VALIDATION, Leaf, MixtureNode, Summary, Tar, node_of
from weft.schemas.table import arrow_schema, to_table

CHUNK = 1 << 17  # draws assembled at a time
DRAWS = pa.schema([("leaf", pa.int16())])
_OPTIONS: dict[str, Any] = {"compression": "zstd", "write_statistics": False, "write_page_checksum": True}


@dataclass(frozen=True, eq=False)
class DrawTotals:
    """Number of samples drawn from each leaf, int64 [leaves], and their total cost in whole units."""

    counts: np.ndarray
    cost: int


def write_draws(store: Store, name: str, draws: Iterable[Draws], leaves: int) -> DrawTotals:
    counts, cost = np.zeros(leaves, np.int64), 0
    with store.writing(plan_files(name).draws) as file, pq.ParquetWriter(file, DRAWS, **_OPTIONS) as writer:
        for some in draws:
            writer.write_table(pa.table([some.leaves], schema=DRAWS), row_group_size=CHUNK)
            counts += np.bincount(some.leaves, minlength=leaves)
            cost += int(some.costs.sum())
    return DrawTotals(counts=counts, cost=cost)


@dataclass(frozen=True)
class PlanHeader:
    """What a plan says of itself: stage, declared size in whole units, and why it ended short of it ("" where it did not)."""

    name: str
    made_from: MadeFrom
    unit: str
    size: int
    ended: str


def write_plan(store: Store, tree: Tree, streams: Sequence[LeafStream], totals: DrawTotals, header: PlanHeader) -> int:
    """Writes tree, leaves, tars and the summary."""
    files = plan_files(header.name)
    used = [_used(stream.stretches, int(count)) for stream, count in zip(streams, totals.counts, strict=True)]
    tars = chain.from_iterable(_tars(store, stream.leaf, some) for stream, some in zip(streams, used, strict=True))
    _write_tars(store, files.tars, tars)
    _write(store, files.tree, to_table(tree.nodes, MixtureNode))
    leaves = [_drawn_of(stream, some) for stream, some in zip(streams, used, strict=True)]
    _write(store, files.leaves, to_table(leaves, Leaf))
    summary = Summary(
        fingerprint=digest(header.made_from),
        unit=header.unit,
        size=header.size,
        drawn=totals.cost,
        draws=int(totals.counts.sum()),
        ended=header.ended,
        files={name: checksum_of(store, name) for name in files},
        made_from=dict(header.made_from),
    )
    store.write(plan_name(header.name), summary.to_json().encode())
    return summary.draws


def _used(stretches: Sequence[Stretch], samples: int) -> list[Stretch]:
    """The stretches that hold the first `samples` of a leaf; the last one is cut to fit."""
    used = []
    for stretch in stretches:
        if samples <= 0:
            break
        used.append(replace(stretch, count=min(stretch.count, samples)))
        samples -= stretch.count
    return used


def _tars(store: Store, leaf: Leaf, used: Sequence[Stretch]) -> Iterator[Tar]:
    """A tar for each stretch."""
    for stretch in used:
        order = Order(store, node_of(leaf.task, stretch.pass_number, leaf.source))
        table = order.group(stretch.group, ["part", "members"]).take(stretch.rows - order.begins()[stretch.group])
        split, number = (
            ("validation", "v") if stretch.pass_number == VALIDATION else ("train", str(stretch.pass_number))
        )
        members = table["members"][0].as_py()  # those of the task: every sample of a leaf has them
        name = f"{f'{members}/' if members else ''}{split}-{leaf.label}-{number}-{stretch.group:05d}-{stretch.bucket:02d}.tar"
        yield Tar(
            number=0, name=name, leaf=leaf.number, task=leaf.task, source=leaf.source, pass_number=stretch.pass_number,
            group=stretch.group, bucket=stretch.bucket, samples=stretch.count,
            parts=tuple(np.unique(table["part"].to_numpy()).tolist()), rows=tuple(stretch.rows.tolist()),
        )  # fmt: skip


def _write_tars(store: Store, name: str, tars: Iterable[Tar]) -> None:
    """One row group per tar, so that writing a tar reads one row group."""
    with store.writing(name) as file, pq.ParquetWriter(file, arrow_schema(Tar), **_OPTIONS) as writer:
        for number, tar in enumerate(tars):
            writer.write_table(to_table([replace(tar, number=number)], Tar))


def _drawn_of(stream: LeafStream, used: Sequence[Stretch]) -> Leaf:
    """The leaf, with the figures of its draws filled in."""
    samples = sum(stretch.count for stretch in used)
    last = used[-1] if used else None
    return replace(
        stream.leaf, samples=samples, skipped=stream.skipped(samples), longest=stream.longest,
        end_pass=last.pass_number if last else 0, end_row=int(last.rows[-1]) + 1 if last else 0,
    )  # fmt: skip


def _write(store: Store, name: str, table: pa.Table) -> None:
    with store.writing(name) as file:
        pq.write_table(table, file, **_OPTIONS)
