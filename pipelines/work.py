"""The other kinds of work beside a stage's parts and models: plans, tars and indexes.

Each says what it `makes` and `needs` (names in the corpus), can tell whether it is `done`, and can `run`. What it was
made from is in its fingerprint, so a piece of work is done exactly when nothing that it depends on has changed.
"""

from dataclasses import dataclass
from typing import Protocol

from weft.pipelines.mixing import plan, shards
from weft.pipelines.parts import part_name, stamp_of
from weft.pipelines.partwork import content_of
from weft.pipelines.store import Store
from weft.schemas.fingerprint import digest
from weft.schemas.plan import Block
from weft.schemas.resources import Resources
from weft.schemas.shard import Shard
from weft.schemas.training import TrainingStage


class Work(Protocol):
    """Anything that the scheduler can have done."""

    @property
    def node(self) -> str: ...
    @property
    def makes(self) -> str: ...
    @property
    def needs(self) -> tuple[str, ...]: ...
    @property
    def resources(self) -> Resources: ...
    def done(self, store: Store) -> bool: ...


@dataclass(frozen=True)
class PlanWork:
    """Plans one training stage from the counts of its composed parts."""

    stage_name: str
    stage: TrainingStage
    blocks: tuple[Block, ...]
    shard_bytes: float
    seed: int
    resources: Resources = Resources()

    @property
    def node(self) -> str:
        return f"plan/{self.stage_name}"

    @property
    def makes(self) -> str:
        return plan.plan_names(self.stage_name)[1]

    @property
    def needs(self) -> tuple[str, ...]:
        return tuple(part_name(b.node, b.part) for b in self.blocks)

    def fingerprint(self, store: Store) -> str:
        mixture = self.stage.mixture.model_dump(mode="json")
        content = [content_of(store, name) for name in self.needs]
        return digest(["plan-1", mixture, self.stage.context, self.shard_bytes, self.seed, self.needs, content])

    def done(self, store: Store) -> bool:
        fingerprint = self.fingerprint(store)
        stamps = [stamp_of(store, name) for name in plan.plan_names(self.stage_name)]
        return all(stamp is not None and stamp.fingerprint == fingerprint for stamp in stamps)

    def run(self, store: Store) -> int:
        return plan.plan(
            store, self.stage_name, self.stage, self.blocks, self.shard_bytes, self.seed, self.fingerprint(store)
        )


@dataclass(frozen=True)
class ShardWork:
    """Writes one tar of a planned stage."""

    shard: Shard
    resources: Resources = Resources()

    @property
    def node(self) -> str:
        return f"shards/{self.shard.stage}"

    @property
    def makes(self) -> str:
        return shards.rows_name(self.shard.path)

    @property
    def needs(self) -> tuple[str, ...]:
        return tuple(part_name(b.node, b.part) for b in self.shard.blocks)

    def fingerprint(self, store: Store) -> str:
        used = [block.used for block in self.shard.blocks]
        return digest(["tar-1", [(content_of(store, name), n) for name, n in zip(self.needs, used, strict=True)]])

    def done(self, store: Store) -> bool:
        return shards.shard_done(store, self.shard, self.fingerprint(store))

    def run(self, store: Store) -> int:
        return shards.write_shard(store, self.shard, self.fingerprint(store))


@dataclass(frozen=True)
class IndexWork:
    """Writes `index.parquet` and `wids.json` of a stage whose tars stand."""

    stage_name: str
    needs: tuple[str, ...]
    resources: Resources = Resources()

    @property
    def node(self) -> str:
        return f"index/{self.stage_name}"

    @property
    def makes(self) -> str:
        return shards.index_name(self.stage_name)

    def fingerprint(self, store: Store) -> str:
        draws = stamp_of(store, plan.plan_names(self.stage_name)[0])
        assert draws is not None
        return digest(["index-1", draws.fingerprint, [content_of(store, name) for name in self.needs]])

    def done(self, store: Store) -> bool:
        stamp = stamp_of(store, self.makes)
        wids = store.exists(shards.wids_name(self.stage_name))
        return wids and stamp is not None and stamp.fingerprint == self.fingerprint(store)

    def run(self, store: Store) -> int:
        return shards.write_index(store, self.stage_name, self.fingerprint(store))
