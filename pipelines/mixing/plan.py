"""Plans a training stage from counts: which sample is drawn when, and which tar it lies in.

    plan(store, "pretrain", stage, blocks, seed)   ->  plan/pretrain.parquet, plan/pretrain-blocks.parquet

Everything is streamed: costs in, draws out, so memory does not grow with the corpus.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from weft.pipelines.mixing.mixture import Exhausted, weave
from weft.pipelines.parts import part_name, read_table, write_part
from weft.pipelines.store import Store
from weft.schemas.item import bucket_count
from weft.schemas.plan import Block, Draw
from weft.schemas.table import arrow_schema
from weft.schemas.training import Mixture, TrainingStage

CHUNK = 1 << 17  # draws assembled at a time
MEMBERS = 2048  # bytes a sample takes beside its ids, about


class PlanError(ValueError):
    """A mixture that the data cannot fill; the message says by how much and what to do."""


def plan_names(stage: str) -> tuple[str, str]:
    return f"plan/{stage}.parquet", f"plan/{stage}-blocks.parquet"


def plan(
    store: Store,
    name: str,
    stage: TrainingStage,
    blocks: Sequence[Block],
    shard_bytes: float,
    seed: int,
    fingerprint: str,
) -> int:
    """Writes the plan and returns its number of draws. Raises PlanError."""
    mixture = stage.mixture
    tasks = list(mixture.weights)
    ordered = sorted(blocks, key=lambda b: (tasks.index(b.task), b.pass_number, b.place(seed)))
    used = np.zeros(len(ordered), np.int64)
    tokens = np.zeros(len(ordered), np.int64)
    draws = 0
    draws_name, blocks_name = plan_names(name)
    with store.writing(draws_name) as file, pq.ParquetWriter(file, _stamped(fingerprint), compression="zstd") as writer:
        for table in _draws(store, stage, tasks, ordered):
            writer.write_table(table.cast(_stamped(fingerprint)), row_group_size=CHUNK)
            np.add.at(used, table["block"].to_numpy(), 1)
            np.add.at(tokens, table["block"].to_numpy(), table["tokens"].to_numpy())
            draws += len(table)
    counted = [replace(b, used=int(u)) for b, u in zip(ordered, used, strict=True)]
    write_part(store, blocks_name, _sharded(counted, tokens, shard_bytes, seed), Block, fingerprint)
    return draws


def _stamped(fingerprint: str) -> pa.Schema:
    return arrow_schema(Draw).with_metadata({"weft.fingerprint": fingerprint, "weft.digest": fingerprint})


def _draws(store: Store, stage: TrainingStage, tasks: list[str], blocks: list[Block]) -> Iterator[pa.Table]:
    """The stream in tables of CHUNK draws."""
    places = [[i for i, b in enumerate(blocks) if b.task == task] for task in tasks]
    unit = stage.mixture.unit
    costs = [_costs(store, unit, task, [blocks[i] for i in where]) for task, where in zip(tasks, places, strict=True)]
    rows = [_Rows(store, blocks, where) for where in places]
    picks = weave(costs, list(stage.mixture.weights.values()), size_of(stage))
    ended = _until_exhausted(picks, stage.mixture, tasks)
    while chosen := list(islice(ended, CHUNK)):
        choice = np.asarray(chosen, np.int16)
        columns = np.empty((3, len(choice)), np.int32)
        seconds = np.empty(len(choice))
        for task, source in enumerate(rows):
            mask = choice == task
            columns[:, mask], seconds[mask] = source.take(int(mask.sum()))
        yield pa.table([choice, *columns, seconds], schema=arrow_schema(Draw))


def size_of(stage: TrainingStage) -> int:
    """The stage's size in the whole units that are counted: tokens, microseconds or samples."""
    size = stage.mixture.size
    return round(size * {"seconds": 1_000_000, "batches": stage.context}.get(stage.mixture.unit, 1))


def cost_column(unit: str, table: pa.Table) -> np.ndarray:
    """What each sample counts, in the whole units of `size_of`."""
    if unit in ("samples", "weights"):
        return np.ones(len(table), np.int64)
    if unit == "seconds":
        return np.rint(table["seconds"].to_numpy() * 1e6).astype(np.int64)
    return table["tokens"].to_numpy().astype(np.int64)


def _costs(store: Store, unit: str, task: str, blocks: Sequence[Block]) -> Iterator[int]:
    return chain.from_iterable(_block_costs(store, unit, task, block) for block in blocks)


def _block_costs(store: Store, unit: str, task: str, block: Block) -> list[int]:
    costs = cost_column(unit, read_table(store, part_name(block.node, block.part), ["tokens", "seconds"]))
    if len(costs) and costs.min() <= 0:
        raise PlanError(f"a sample of task {task!r} counts 0 {unit}; declare this mixture in tokens or samples")
    return costs.tolist()


def _until_exhausted(picks: Iterator[int], mixture: Mixture, tasks: list[str]) -> Iterator[int]:
    try:
        yield from picks
    except Exhausted as end:
        if mixture.exhausted == "stop":
            return
        got = end.got / 1e6 if mixture.unit == "seconds" else end.got
        task = tasks[end.task]
        raise PlanError(
            f"task {task!r} ran out after {got:,.0f} {'tokens' if mixture.unit == 'batches' else mixture.unit} "
            f"in {mixture.passes} pass{'es' if mixture.passes > 1 else ''} over its data; "
            "add data, lower `total` or `scale`, or set `exhausted: repeat` with more `passes` (or `exhausted: stop`)"
        ) from None


class _Rows:
    """The rows of one task's blocks, taken in order."""

    def __init__(self, store: Store, blocks: list[Block], where: list[int]) -> None:
        self._tables = (self._of(store, blocks[i], i) for i in where)
        self._columns, self._seconds = np.empty((3, 0), np.int32), np.empty(0)

    @staticmethod
    def _of(store: Store, block: Block, number: int) -> tuple[np.ndarray, np.ndarray]:
        table = read_table(store, part_name(block.node, block.part), ["tokens", "seconds"])
        count = len(table)
        columns = np.stack([np.full(count, number), np.arange(count), table["tokens"].to_numpy()]).astype(np.int32)
        return columns, table["seconds"].to_numpy()

    def take(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        parts = [(self._columns, self._seconds)]
        while sum(len(s) for _, s in parts) < count:
            parts.append(next(self._tables))
        columns = np.concatenate([c for c, _ in parts], axis=1)
        seconds = np.concatenate([s for _, s in parts])
        self._columns, self._seconds = columns[:, count:], seconds[count:]
        return columns[:, :count], seconds[:count]


def _sharded(blocks: list[Block], tokens: np.ndarray, shard_bytes: float, seed: int) -> list[Block]:
    """Numbers the tars: each pass of a task is cut where its blocks' places say, so no block moves another."""
    numbered: list[Block] = []
    names: dict[tuple[str, int, int], int] = {}
    sizes: dict[tuple[str, int], int] = {}
    for block, count in zip(blocks, tokens, strict=True):
        sizes[_of(block)] = sizes.get(_of(block), 0) + int(count) * 4 + block.used * MEMBERS
    counts = {of: bucket_count(size, shard_bytes) for of, size in sizes.items()}
    for block in blocks:
        cut = (*_of(block), block.place(seed) * counts[_of(block)] >> 64)
        shard = names.setdefault(cut, len(names)) if block.used else -1
        numbered.append(replace(block, shard=shard))
    return numbered


def _of(block: Block) -> tuple[str, int]:
    return block.task, block.pass_number
