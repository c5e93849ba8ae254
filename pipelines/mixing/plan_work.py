"""The work that plans a training stage, and the samples that are held out for validation.

order/words/pass-0/speech-held.parquet, …  ->  plan/pretrain.json, with the draws, the tree, the leaves and the tars beside it
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

from weft.pipelines.mixing import plan
from weft.pipelines.mixing.plan_files import plan_name, read_summary
from weft.pipelines.mixing.plan_request import PlanRequest
from weft.pipelines.models.folders import checksum_of
from weft.pipelines.parts.committed import digest_of
from weft.pipelines.parts.work import BaseWork
from weft.pipelines.storage.damage import Damaged
from weft.pipelines.storage.store import Store
from weft.schemas.changes import named_settings
from weft.schemas.fingerprint import digest
from weft.schemas.plan import VALIDATION, VALIDATION_STAGE, Summary, held_name, node_of


class _PlanWork(BaseWork, ABC):
    """What both kinds of plans share. A plan's summary names its other files, with their checksums."""

    stage: str

    @property
    def node(self) -> str:
        return f"plan/{self.stage}"

    @property
    def makes(self) -> str:
        return plan_name(self.stage)

    @abstractmethod
    def made_from(self, store: Store) -> dict[str, str]:
        """What it is made from, by name. Raises FileNotFoundError while an input is missing."""

    def recorded(self, store: Store) -> dict[str, str] | None:
        summary = self._summary(store)
        return summary.made_from if summary else None

    def done(self, store: Store) -> bool:
        summary = self._summary(store)
        if summary is None or summary.fingerprint != digest(self.made_from(store)):
            return False
        return all(store.exists(n) and checksum_of(store, n) == was for n, was in summary.files.items())

    def _summary(self, store: Store) -> Summary | None:
        """None if there is no plan, or it cannot be read."""
        try:
            return read_summary(store, self.stage)
        except (FileNotFoundError, Damaged):
            return None


@dataclass(frozen=True)
class PlanWork(_PlanWork):
    """Plans one training stage from the orders of its composed nodes."""

    request: PlanRequest

    @property
    def stage(self) -> str:  # type: ignore[override]
        return self.request.name

    @property
    def needs(self) -> tuple[str, ...]:
        passes = self.request.passes.items()
        orders = [held_name(node_of(task, n, source)) for (task, source), count in passes for n in range(count)]
        return (*orders, *map(plan_name, self.request.after))

    def made_from(self, store: Store) -> dict[str, str]:
        mixture = self.request.mixture.model_dump(mode="json")
        settings = named_settings({"mixture": mixture, "context": self.request.stage.context})
        names = _sources(self.request.passes)
        return {"version": plan.VERSION, **settings, **names, **_inputs(store, self.needs)}

    def run(self, store: Store) -> int:
        return plan.plan(store, self.request, self.made_from(store))


@dataclass(frozen=True)
class ValidationPlanWork(_PlanWork):
    """Plans the samples that are held out for validation, of these tasks and sources."""

    nodes: tuple[tuple[str, str], ...]

    stage = VALIDATION_STAGE

    @property
    def needs(self) -> tuple[str, ...]:
        return tuple(held_name(node_of(task, VALIDATION, source)) for task, source in self.nodes)

    def made_from(self, store: Store) -> dict[str, str]:
        return {"version": plan.VERSION, **_sources(self.nodes), **_inputs(store, self.needs)}

    def run(self, store: Store) -> int:
        return plan.plan_validation(store, self.nodes, self.made_from(store))


def _sources(nodes: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The order of the names in the recipe: children of a node of the mixture take turns in it."""
    return {"setting sources": json.dumps([f"{task}/{source}" for task, source in nodes])}


def _inputs(store: Store, names: tuple[str, ...]) -> dict[str, str]:
    """The digests of orders and plans, by the names of their nodes."""
    return {
        f"input {name.removesuffix('.json').removesuffix('-held.parquet')}": digest_of(store, name) for name in names
    }
