"""The other kinds of work beside a stage's parts and models: orders, plans, tars and indexes.

Each says what it `makes` and `needs` (names in the corpus), can tell whether it is `done`, and can `run`. What it was
made from is in its fingerprint, so a piece of work is done exactly when nothing that it depends on has changed.
"""

import json
from dataclasses import dataclass

from weft.pipelines.mixing import index, order, plan, shards
from weft.pipelines.mixing.tar_changes import tar_changes
from weft.pipelines.parts.stage_work import digest_of
from weft.pipelines.parts.tables import footer_of, made_from_of, part_name
from weft.pipelines.storage.store import Damaged, Store
from weft.schemas.changes import named_settings, reasons
from weft.schemas.fingerprint import digest
from weft.schemas.plan import VALIDATION, VALIDATION_STAGE, Tar, held_name, node_of, order_name
from weft.schemas.resources import Resources


@dataclass(frozen=True)
class OrderWork:
    """Orders the composed samples of one task, pass and source, for all stages that draw them.

    `space` tells the source's speakers apart by name; "" where they are roles of dialogues.
    """

    of: str
    parts: int
    tar_bytes: float
    space: str = ""
    resources: Resources = Resources()

    @property
    def node(self) -> str:
        return self.of.replace("compose/", "order/", 1)

    @property
    def makes(self) -> str:
        return held_name(self.of)

    @property
    def needs(self) -> tuple[str, ...]:
        return tuple(part_name(self.of, part) for part in range(self.parts))

    def made_from(self, store: Store) -> dict[str, str]:
        """What it is made from, by name. Raises FileNotFoundError while an input is missing."""
        samples = digest([digest_of(store, name) for name in self.needs])
        settings = {"setting shards.bytes": str(self.tar_bytes), "setting speakers": json.dumps(self.space)}
        return {"version": order.VERSION, **settings, f"input {self.of}": samples}

    def recorded(self, store: Store) -> dict[str, str] | None:
        return made_from_of(store, self.makes)

    def fingerprint(self, store: Store) -> str:
        return digest(self.made_from(store))

    def done(self, store: Store) -> bool:
        footer = footer_of(store, self.makes)
        return (
            footer is not None and footer.fingerprint == self.fingerprint(store) and store.exists(order_name(self.of))
        )

    def run(self, store: Store) -> int:
        return order.write_order(store, self.of, self.parts, self.tar_bytes, self.made_from(store), self.space)


@dataclass(frozen=True)
class PlanWork:
    """Plans one training stage from the orders of its composed nodes."""

    wanted: plan.Wanted
    resources: Resources = Resources()

    @property
    def node(self) -> str:
        return f"plan/{self.wanted.name}"

    @property
    def makes(self) -> str:
        return plan.plan_name(self.wanted.name)

    @property
    def needs(self) -> tuple[str, ...]:
        passes = self.wanted.passes.items()
        orders = [held_name(node_of(task, n, source)) for (task, source), count in passes for n in range(count)]
        return (*orders, *map(plan.plan_name, self.wanted.after))

    def made_from(self, store: Store) -> dict[str, str]:
        """What it is made from, by name. Raises FileNotFoundError while an input is missing."""
        mixture = self.wanted.mixture.model_dump(mode="json")
        settings = named_settings({"mixture": mixture, "context": self.wanted.stage.context})
        # children of a node take turns in the order of their names in the recipe
        names = {"setting sources": json.dumps([f"{task}/{source}" for task, source in self.wanted.passes])}
        return {"version": plan.VERSION, **settings, **names, **_inputs(store, self.needs)}

    def recorded(self, store: Store) -> dict[str, str] | None:
        return plan_recorded(store, self.wanted.name)

    def fingerprint(self, store: Store) -> str:
        return digest(self.made_from(store))

    def done(self, store: Store) -> bool:
        return plan_done(store, self.wanted.name, self.fingerprint(store))

    def run(self, store: Store) -> int:
        return plan.plan(store, self.wanted, self.made_from(store))


@dataclass(frozen=True)
class ValidationPlanWork:
    """Plans the samples that are held out for validation, of these tasks and sources."""

    nodes: tuple[tuple[str, str], ...]
    resources: Resources = Resources()

    node = f"plan/{VALIDATION_STAGE}"
    makes = plan.plan_name(VALIDATION_STAGE)

    @property
    def needs(self) -> tuple[str, ...]:
        return tuple(held_name(node_of(task, VALIDATION, source)) for task, source in self.nodes)

    def made_from(self, store: Store) -> dict[str, str]:
        """What it is made from, by name. Raises FileNotFoundError while an input is missing."""
        names = {"setting sources": json.dumps([f"{task}/{source}" for task, source in self.nodes])}
        return {"version": plan.VERSION, **names, **_inputs(store, self.needs)}

    def recorded(self, store: Store) -> dict[str, str] | None:
        return plan_recorded(store, VALIDATION_STAGE)

    def fingerprint(self, store: Store) -> str:
        return digest(self.made_from(store))

    def done(self, store: Store) -> bool:
        return plan_done(store, VALIDATION_STAGE, self.fingerprint(store))

    def run(self, store: Store) -> int:
        return plan.plan_validation(store, self.nodes, self.made_from(store))


def _inputs(store: Store, names: tuple[str, ...]) -> dict[str, str]:
    """What orders and plans hold, by the names of their nodes."""
    return {
        f"input {name.removesuffix('.json').removesuffix('-held.parquet')}": digest_of(store, name) for name in names
    }


def plan_recorded(store: Store, stage: str) -> dict[str, str] | None:
    """What the plan of a stage was made from; None if there is no plan, or it cannot be read."""
    try:
        return plan.read_summary(store, stage).made_from
    except (FileNotFoundError, Damaged):
        return None


def plan_done(store: Store, stage: str, fingerprint: str) -> bool:
    """Whether the plan of a stage is complete: its files have the checksums recorded at commit."""
    try:
        summary = plan.read_summary(store, stage)
    except (FileNotFoundError, Damaged):
        return False
    files = summary.files.items()
    return summary.fingerprint == fingerprint and all(
        store.exists(n) and plan.checksum(store, n) == was for n, was in files
    )


@dataclass(frozen=True)
class ShardWork:
    """Writes one tar of a planned stage."""

    stage: str
    tar: Tar
    resources: Resources = Resources()

    @property
    def node(self) -> str:
        return f"shards/{self.stage}"

    @property
    def makes(self) -> str:
        return shards.rows_name(shards.tar_name(self.stage, self.tar))

    @property
    def needs(self) -> tuple[str, ...]:
        return (plan.plan_name(self.stage), *(part_name(self.tar.node, part) for part in self.tar.parts))

    def made_from(self, store: Store) -> dict[str, str]:
        """What it is made from, by name. Raises FileNotFoundError while an input is missing."""
        return shards.made_from(self.tar, shards.contents_of(store, self.stage, self.tar))

    def recorded(self, store: Store) -> dict[str, str] | None:
        return made_from_of(store, self.makes)

    def why(self, store: Store) -> list[str] | None:
        """Which of its samples are others now, or its version; None where no tar stands. Raises FileNotFoundError."""
        old, new = self.recorded(store), self.made_from(store)
        if old is None:
            return None
        if old.get("version") != new["version"]:
            return reasons({"version": old.get("version", "")}, {"version": new["version"]})
        return tar_changes(store, self.stage, self.tar)

    def done(self, store: Store) -> bool:
        return shards.shard_done(store, self.stage, self.tar)

    def run(self, store: Store) -> int:
        return shards.write_shard(store, self.stage, self.tar)


@dataclass(frozen=True)
class IndexWork:
    """Writes `index.parquet` and `wids.json` of a stage whose tars stand."""

    stage: str
    tars: tuple[str, ...]
    resources: Resources = Resources()

    @property
    def node(self) -> str:
        return f"index/{self.stage}"

    @property
    def needs(self) -> tuple[str, ...]:
        return (plan.plan_name(self.stage), *self.tars)

    @property
    def makes(self) -> str:
        return shards.index_name(self.stage)

    def made_from(self, store: Store) -> dict[str, str]:
        """What it is made from, by name. Raises FileNotFoundError while an input is missing."""
        planned, *tars = (digest_of(store, name) for name in self.needs)
        inputs = {f"input plan/{self.stage}": planned, f"input shards/{self.stage}": digest(tars)}
        return {"version": index.VERSION, **inputs}

    def recorded(self, store: Store) -> dict[str, str] | None:
        return made_from_of(store, self.makes)

    def fingerprint(self, store: Store) -> str:
        return digest(self.made_from(store))

    def done(self, store: Store) -> bool:
        footer = footer_of(store, self.makes)
        wids = store.exists(shards.wids_name(self.stage))
        return wids and footer is not None and footer.fingerprint == self.fingerprint(store)

    def run(self, store: Store) -> int:
        return index.write_index(store, self.stage, self.made_from(store))
