"""The work that writes the tars of a planned stage, and then its index.

plan/pretrain.json  ->  shards/pretrain/….tar  ->  shards/pretrain/index.parquet, wids.json
"""

from dataclasses import dataclass

from weft.pipelines.mixing import index, shards
from weft.pipelines.mixing.plan_files import plan_name
from weft.pipelines.mixing.tar_changes import tar_changes
from weft.pipelines.parts.committed import digest_of
from weft.pipelines.parts.tables import part_name
from weft.pipelines.parts.work import BaseWork
from weft.pipelines.storage.store import Store
from weft.schemas.changes import reasons
from weft.schemas.fingerprint import digest
from weft.schemas.plan import Tar


@dataclass(frozen=True)
class ShardWork(BaseWork):
    """Writes one tar of a planned stage."""

    stage: str
    tar: Tar

    @property
    def node(self) -> str:
        return f"shards/{self.stage}"

    @property
    def makes(self) -> str:
        return shards.rows_name(shards.tar_name(self.stage, self.tar))

    @property
    def needs(self) -> tuple[str, ...]:
        return (plan_name(self.stage), *(part_name(self.tar.node, part) for part in self.tar.parts))

    def made_from(self, store: Store) -> dict[str, str]:
        return shards.made_from(self.tar, shards.contents_of(store, self.stage, self.tar))

    def fingerprint(self, store: Store) -> str:
        return shards.contents_of(store, self.stage, self.tar).fingerprint

    def done(self, store: Store) -> bool:
        return shards.shard_done(store, self.stage, self.tar)

    def why(self, store: Store) -> list[str] | None:
        """Which of its samples are others now, or its version."""
        old, new = self.recorded(store), self.made_from(store)
        if old is None:
            return None
        if old.get("version") != new["version"]:
            return reasons({"version": old.get("version", "")}, {"version": new["version"]})
        return tar_changes(store, self.stage, self.tar)

    def run(self, store: Store) -> int:
        return shards.write_shard(store, self.stage, self.tar)


@dataclass(frozen=True)
class IndexWork(BaseWork):
    """Writes `index.parquet` and `wids.json` of a stage whose tars are there."""

    stage: str
    tars: tuple[str, ...]

    @property
    def node(self) -> str:
        return f"index/{self.stage}"

    @property
    def makes(self) -> str:
        return shards.index_name(self.stage)

    @property
    def beside(self) -> tuple[str, ...]:
        return (shards.wids_name(self.stage),)

    @property
    def needs(self) -> tuple[str, ...]:
        return (plan_name(self.stage), *self.tars)

    def made_from(self, store: Store) -> dict[str, str]:
        planned, *tars = (digest_of(store, name) for name in self.needs)
        inputs = {f"input plan/{self.stage}": planned, f"input shards/{self.stage}": digest(tars)}
        return {"version": index.VERSION, **inputs}

    def run(self, store: Store) -> int:
        return index.write_index(store, self.stage, self.made_from(store))
