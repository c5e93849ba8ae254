"""Audits a corpus from its ledger and its indexes alone; `deep` opens the tars too.

    audit(store, house)  ->  Audit(stages=…, nodes=…, rejects=…, faults=())

Everything is read a chunk at a time, so memory does not grow with the corpus.
"""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from weft.pipelines.graph import House
from weft.pipelines.mixing.accounts import nodes_of, rejects_of
from weft.pipelines.mixing.deep import check_tars
from weft.pipelines.mixing.plan import cost_column, size_of
from weft.pipelines.mixing.shards import index_name, rows_name
from weft.pipelines.models import damage_of_model
from weft.pipelines.parts import stamp_of
from weft.pipelines.store import Store
from weft.pipelines.verify import damaged, missing, strangers
from weft.schemas.audit import Audit, StageAudit, TaskAudit
from weft.schemas.training import TrainingStage


def audit(store: Store, house: House, deep: bool = False) -> Audit:
    """Declared against realised, and the ledger. Raises FileNotFoundError where a stage has no index yet."""
    faults = [str(damage) for find in (damaged(store, house, deep), missing(store, house)) for damage in find]
    faults += strangers(store, house)
    nodes = nodes_of(store, house, faults)
    rejects = rejects_of(store, house, faults)
    stages = tuple(_stage(store, name, stage, faults) for name, stage in house.recipe.training.items())
    if deep and not any(damage_of_model(store, "vocabulary", deep=True)):  # without it no id can be judged
        for name in house.recipe.training:
            faults += check_tars(store, name)
    return Audit(store.url, stages, nodes, rejects, tuple(faults))


class _Stream:
    """Running totals of one stage, exact in whole units, and how far each task strays from its share."""

    def __init__(self, stage: TrainingStage) -> None:
        self.tasks = list(stage.mixture.weights)
        self.weights = list(stage.mixture.weights.values())
        self.unit = stage.mixture.unit
        zeros = np.zeros(len(self.tasks), np.int64)
        self.got, self.samples, self.tokens, self.largest = zeros.copy(), zeros.copy(), zeros.copy(), zeros.copy()
        self.seconds = np.zeros(len(self.tasks))
        self.worst = np.zeros(len(self.tasks))

    def add(self, table: pa.Table) -> None:
        names = table["task"].to_numpy(zero_copy_only=False)
        costs = cost_column(self.unit, table)
        whole = int(self.got.sum()) + np.cumsum(costs)
        for i, (task, weight) in enumerate(zip(self.tasks, self.weights, strict=True)):
            mine = names == task
            running = int(self.got[i]) + np.cumsum(np.where(mine, costs, 0))
            astray = np.abs(running - float(weight) * whole)
            self.worst[i] = max(self.worst[i], astray.max(initial=0.0))
            self.got[i] = running[-1]
            self.samples[i] += mine.sum()
            self.tokens[i] += table["tokens"].to_numpy()[mine].sum()
            self.seconds[i] += table["seconds"].to_numpy()[mine].sum()
            self.largest[i] = max(self.largest[i], costs[mine].max(initial=0))

    def allowed(self, i: int) -> float:
        """One sample: of the task, and for its share of the largest (`mixture.weave`)."""
        weight = float(self.weights[i])
        return (1 - weight) * float(self.largest[i]) + weight * float(self.largest.max())


def _stage(store: Store, name: str, stage: TrainingStage, faults: list[str]) -> StageAudit:
    stream = _Stream(stage)
    shards: dict[str, int] = {}
    with store.open(index_name(name)) as file:
        for batch in pq.ParquetFile(file).iter_batches(50_000, columns=["task", "tokens", "seconds", "shard"]):
            table = pa.Table.from_batches([batch])
            stream.add(table)
            for row in table["shard"].value_counts().to_pylist():
                shards[row["values"]] = shards.get(row["values"], 0) + row["counts"]
    faults.extend(_mixture_faults(name, stage, stream))
    sizes = {shard: _size(store, name, shard, faults) for shard in shards}
    scale = 1e6 if stream.unit == "seconds" else stage.context if stream.unit == "batches" else 1
    tasks = tuple(_task(stream, i, scale) for i in range(len(stream.tasks)))
    return StageAudit(
        name, stream.unit, float(stage.mixture.size), int(stream.samples.sum()), len(shards), sum(sizes.values()), tasks
    )


def _size(store: Store, stage: str, shard: str, faults: list[str]) -> int:
    """A tar's bytes, checked against what its rows were committed with."""
    name = f"shards/{stage}/{shard}"
    if not store.exists(name):
        faults.append(f"{name} is missing; build again to make it")
        return 0
    found = store.size(name)
    stamp = stamp_of(store, rows_name(name))
    if stamp is None:
        faults.append(f"{rows_name(name)} is missing or broken; build again to make it")
    elif found != (wanted := int(stamp.digest.split()[0])):
        faults.append(f"{name} holds {found} bytes where {wanted} were written; build again to mend it")
    return found


def _mixture_faults(name: str, stage: TrainingStage, stream: _Stream) -> Iterator[str]:
    for i, task in enumerate(stream.tasks):
        if stream.worst[i] > stream.allowed(i) * (1 + 1e-9) + 1e-6:
            yield f"{name}: {task} strays {stream.worst[i]:,.0f} {stream.unit} from its share; one sample is {stream.allowed(i):,.0f}"
    if stage.mixture.exhausted != "stop" and stream.got.sum() < size_of(stage):
        yield f"{name}: the stream holds {stream.got.sum():,} of {size_of(stage):,} {stream.unit}"


def _task(stream: _Stream, i: int, scale: float) -> TaskAudit:
    whole = Fraction(int(stream.got.sum()) or 1)
    return TaskAudit(
        stream.tasks[i], float(stream.weights[i]), float(int(stream.got[i]) / whole), int(stream.samples[i]),
        int(stream.tokens[i]), float(stream.seconds[i]), float(stream.tokens[i] / max(1, stream.tokens.sum())),
        float(stream.seconds[i] / (stream.seconds.sum() or 1)),
        float(int(stream.got[i]) - stream.weights[i] * whole) / scale, stream.worst[i] / scale, stream.allowed(i) / scale,
    )  # fmt: skip
