"""`shards.write_shard` beside writing the same tars' bytes alone, from memory and in the same chunks.

The stage reads composed parts, lays out headers and members, and commits the tar and its index rows. The kernel is
write, flush, fsync and rename. Two processes take the tars as they come free, on the same disk.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from pathlib import Path

import pyarrow.compute as pc

from weft.benchmarks.arms import against, compare, over, pool
from weft.benchmarks.common import Figure
from weft.benchmarks.composed import planned
from weft.pipelines.mixing.shards import write_shard
from weft.pipelines.parts import part_name, read_table
from weft.pipelines.store import Store
from weft.schemas.shard import Shard

TASKS, PARTS, SHARD_BYTES = ("speech", "words"), 120, 5e8  # parts of a thousand samples


def figures(folder: Path) -> list[Figure]:
    store = Store(str(folder / "shard"))
    tars = planned(store, TASKS, PARTS, SHARD_BYTES)
    with pool(_ready, store.url, tars) as workers:
        pair = compare(over(workers, _stage, len(tars)), over(workers, _write, len(tars)))
        fair = compare(over(workers, _stage, len(tars)), over(workers, _read_and_write, len(tars)))
    size = sum(store.size(tar.path) for tar in tars)
    samples = sum(tar.samples for tar in tars)
    told = [
        Figure("shard: samples", samples, "samples"),
        Figure("shard: tars", len(tars), f"tars, {size / 1e6:.0f} MB"),
    ]
    return [
        *told,
        *against("shard", pair),
        Figure("shard: stage / (reading parts + kernel)", fair.ratio, "x"),
        Figure("shard: speed of the stage", samples / pair.first, "samples/s"),
    ]


# --- in the processes of both arms ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Job:
    """The tars to write, and their bytes once they were read."""

    store: Store
    tars: Sequence[Shard]
    chunks: dict[int, list[bytes]] = field(default_factory=dict)


_job: list[Job] = []


def _ready(url: str, tars: Sequence[Shard]) -> None:
    """Both processes hold all the bytes, so that either may take any tar."""
    job = Job(Store(url), tars)
    for tar in tars:
        write_shard(job.store, tar, "made-1")
        job.chunks[tar.number] = list(_split(job.store, tar))
    _job[:] = [job]


def _split(store: Store, tar: Shard) -> Iterator[bytes]:
    """A tar's bytes in the chunks that the stage writes: one a block, and the end."""
    tables = (read_table(store, part_name(b.node, b.part), ["members"]).slice(0, b.used) for b in tar.blocks)
    sizes = [pc.sum(pc.binary_length(table["members"])).as_py() for table in tables]
    data = store.read(tar.path)
    yield from (data[a:b] for a, b in pairwise([*accumulate(sizes, initial=0), len(data)]))


def _stage(at: int) -> int:
    job = _job[0]
    return write_shard(job.store, job.tars[at], "made-1")


def _write(at: int) -> None:
    """The kernel."""
    job = _job[0]
    number = job.tars[at].number
    name = job.store.path(f"kernel/{number:06d}.tar")
    os.makedirs(os.path.dirname(name), exist_ok=True)
    with open(f"{name}.tmp", "wb") as file:
        for chunk in job.chunks[number]:
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    os.replace(f"{name}.tmp", name)


def _read_and_write(at: int) -> None:
    """The kernel after reading the parts that the stage reads."""
    job = _job[0]
    for block in job.tars[at].blocks:
        read_table(job.store, part_name(block.node, block.part))
    _write(at)
