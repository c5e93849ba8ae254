"""`shards.write_shard` beside writing the same tars' bytes alone, from memory and in chunks of a part's size.

The stage reads composed parts, lays out headers and members, and commits the tar and its index rows. The kernel is
write, flush, fsync and rename. Two processes take the tars as they come free, on the same disk.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from weft.benchmarks.support.arms import against, compare, over, pool
from weft.benchmarks.support.common import Figure, alone, scratch
from weft.benchmarks.support.composed import STAGE, planned
from weft.pipelines.mixing.shards import tar_name, write_shard
from weft.pipelines.parts.tables import part_name, read_table
from weft.pipelines.storage.store import Store
from weft.schemas.plan import Tar

TITLE = "shard: the stage as a build runs it, against writing the same bytes alone (two processes each)"
TASKS, PARTS, SHARD_BYTES = ("speech", "words"), 120, 5e8  # parts of a thousand samples


def measure(folder: Path) -> list[Figure]:
    with scratch(folder / "shard") as place:
        return _figures(Store(str(place)))


def _figures(store: Store) -> list[Figure]:
    tars = planned(store, TASKS, PARTS, SHARD_BYTES)
    with pool(_ready, store.url, tars) as workers:
        pair = compare(over(workers, _stage, len(tars)), over(workers, _write, len(tars)))
        reading = compare(over(workers, _stage, len(tars)), over(workers, _read_and_write, len(tars)))
    size = sum(store.size(tar_name(STAGE, tar)) for tar in tars)
    samples = sum(tar.samples for tar in tars)
    counts = [
        Figure("shard: samples", samples, "samples"),
        Figure("shard: tars", len(tars), f"tars, {size / 1e6:.0f} MB"),
    ]
    return [
        *counts,
        *against("shard", pair),
        Figure("shard: stage / (reading parts + kernel)", reading.ratio, "x"),
        Figure("shard: speed of the stage", samples / pair.first, "samples/s"),
    ]


# --- in the processes of both arms ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Job:
    """The tars to write, and their bytes once they were read."""

    store: Store
    tars: Sequence[Tar]
    chunks: dict[int, list[bytes]] = field(default_factory=dict)


_job: list[Job] = []


def _ready(url: str, tars: Sequence[Tar]) -> None:
    """Both processes hold all the bytes, so that either may take any tar."""
    job = Job(Store(url), tars)
    for tar in tars:
        write_shard(job.store, STAGE, tar)
        job.chunks[tar.number] = list(_split(job.store, tar))
    _job[:] = [job]


def _split(store: Store, tar: Tar) -> Iterator[bytes]:
    """A tar's bytes in as many chunks as it has parts."""
    data = store.read(tar_name(STAGE, tar))
    size = -(-len(data) // len(tar.parts))
    yield from (data[at : at + size] for at in range(0, len(data), size))


def _stage(at: int) -> int:
    job = _job[0]
    return write_shard(job.store, STAGE, job.tars[at])


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
    tar = job.tars[at]
    for part in tar.parts:
        read_table(job.store, part_name(tar.node, part))
    _write(at)


if __name__ == "__main__":
    alone(TITLE, measure)
