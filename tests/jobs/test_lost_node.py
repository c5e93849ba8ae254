"""A build on three nodes, one of which goes while it works, gives the bytes of a local build."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
import ray
from ray.cluster_utils import Cluster

from weft.jobs.build import build
from weft.jobs.commands import read_pipeline
from weft.jobs.engine import Engine, LocalEngine
from weft.jobs.ray_engine import RayEngine
from weft.jobs.schedule import WorkEvent
from weft.pipelines.storage.store import Store


def built(recipe: Path, store: Store, engine: Engine, report: Callable[[WorkEvent], None]) -> dict[str, str]:
    """Every file of the shards by its digest."""
    build(read_pipeline(str(recipe)), store, engine, report, lambda works: None)
    return {name: hashlib.sha256(store.read(name)).hexdigest() for name in store.names("shards")}


@pytest.mark.nodes
@pytest.mark.parametrize("moment", [6, 14])
def test_a_node_that_goes_in_mid_build_changes_no_byte(
    tmp_path: Path, write_recipe: Callable[..., Path], moment: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = write_recipe(tmp_path / "recipe.yaml", part_size=2)
    local = Store(str(tmp_path / "local"))
    wanted = built(recipe, local, LocalEngine(local), lambda event: None)
    monkeypatch.setenv("RAY_worker_niceness", "0")  # or whatever else runs here comes first
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    nodes = [cluster.add_node(num_cpus=2), cluster.add_node(num_cpus=1)]
    ray.init(address=cluster.address, logging_level="ERROR", log_to_driver=False)
    try:
        events: list[WorkEvent] = []

        def report(event: WorkEvent) -> None:
            events.append(event)
            if len(events) == moment:
                cluster.remove_node(nodes[0], allow_graceful=False)

        spread = Store(str(tmp_path / "spread"))
        engine = RayEngine(spread.url)
        assert built(recipe, spread, engine, report) == wanted and len(events) > moment
        engine.close()
    finally:
        ray.shutdown()
        cluster.shutdown()
