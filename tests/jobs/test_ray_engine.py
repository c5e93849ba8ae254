"""Work on Ray clusters of unequal nodes: Ray places it, none waits for ever, and what fits no node is told at once."""

import os
import shutil
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest
import ray
from ray.cluster_utils import Cluster

from weft.jobs.failures import BuildError
from weft.jobs.ray_engine import RayEngine
from weft.jobs.schedule import WorkEvent, run
from weft.pipelines.parts.work import BaseWork
from weft.pipelines.storage.store import Store
from weft.schemas.faults import RecipeError
from weft.schemas.resources import Resources

WIDE = Resources(cpus=2)
GPU = Resources(gpus=1)
HALF = Resources(gpus=0.5)


@dataclass(frozen=True)
class Piece(BaseWork):
    """Writes a file, after `seconds` or a misfortune that strikes once (or always)."""

    makes: str
    needs: tuple[str, ...] = ()
    resources: Resources = Resources()
    seconds: float = 0.0
    misfortune: str = ""

    @property
    def node(self) -> str:
        return self.makes

    def done(self, store: Store) -> bool:
        return store.exists(self.makes)

    def run(self, store: Store) -> int:
        self._suffer(store)
        time.sleep(self.seconds)  # stands for work
        store.write(self.makes, b"x")
        return 1

    def _suffer(self, store: Store) -> None:
        if self.misfortune == "raise":
            raise OddError(3, "disk is full")
        mark = f"{self.makes}-struck"
        if self.misfortune and not store.exists(mark):
            store.write(mark, b"")
            if self.misfortune == "memory":
                raise MemoryError
            os.kill(os.getpid(), signal.SIGKILL)


class OddError(Exception):
    """One that cannot be sent to another process: it is made with other arguments than it keeps."""

    def __init__(self, number: int, text: str) -> None:
        super().__init__(text)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Nodes of 1, 2 and 2 CPUs; the last has a GPU."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_worker_niceness", "0")  # or whatever else runs here comes first
        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        made.add_node(num_cpus=2)
        made.add_node(num_cpus=2, num_gpus=1)
        ray.init(address=made.address, logging_level="ERROR", log_to_driver=False)
        yield made
        ray.shutdown()
        made.shutdown()


@pytest.fixture(scope="module")
def engine(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayEngine]:
    """One for all tests, as processes take seconds to start."""
    made = RayEngine(str(tmp_path_factory.mktemp("corpus")))
    yield made
    made.close()


@pytest.fixture
def store(engine: RayEngine) -> Store:
    """Empty, at the place where the engine works."""
    shutil.rmtree(engine.url, ignore_errors=True)
    return Store(engine.url)


def did(works: Sequence[Piece], store: Store, engine: RayEngine) -> list[str]:
    """Pieces in the order in which they ended."""
    events: list[WorkEvent] = []
    run(works, store, engine, events.append)  # type: ignore[arg-type]
    return [event.node for event in events]


def pieces(count: int, name: str, **more: object) -> list[Piece]:
    return [Piece(f"{name}-{n}", **more) for n in range(count)]  # type: ignore[arg-type]


@pytest.mark.nodes
@pytest.mark.parametrize("attempt", range(3))
def test_wide_work_between_narrow_work_never_hangs(engine: RayEngine, store: Store, attempt: int) -> None:
    narrow = pieces(8, "narrow", seconds=0.05)
    wide = [
        Piece(f"wide-{n}", (f"narrow-{n}", f"narrow-{n + 4}"), resources=WIDE, seconds=0.05 * attempt) for n in range(4)
    ]
    after = [Piece(f"after-{n}", (f"wide-{n}",)) for n in range(4)]
    last = Piece("last", tuple(piece.makes for piece in after), resources=WIDE)
    works = [*narrow, *wide, *after, last]
    assert sorted(did(works, store, engine)) == sorted(piece.makes for piece in works)


@pytest.mark.nodes
def test_wider_work_than_any_node_holds_what_a_node_has(engine: RayEngine, store: Store) -> None:
    assert did([Piece("wide", resources=Resources(cpus=9))], store, engine) == ["wide"]


@pytest.mark.nodes
def test_what_fits_no_node_is_reported_at_once(engine: RayEngine, store: Store) -> None:
    for wanted in (Resources(gpus=2), Resources(cpus=1, gpus=1.5)):
        works = [Piece("cpu"), Piece("gpu", ("cpu",), resources=wanted)]
        with pytest.raises(RecipeError, match="on one node, and no node of the 3 has them"):
            did(works, store, engine)
    assert not store.exists("cpu")


@pytest.mark.nodes
def test_gpu_work_at_the_head_leaves_the_cpus_to_others(engine: RayEngine, store: Store) -> None:
    works = [*pieces(6, "cpu", seconds=0.1), *pieces(4, "gpu", resources=GPU, seconds=1.0)]
    ended = did(works, store, engine)
    assert ended[-1].startswith("gpu") and len(ended) == 10


@pytest.mark.nodes
def test_shares_of_a_gpu_and_a_whole_one_take_turns(engine: RayEngine, store: Store) -> None:
    works = [*pieces(3, "half", resources=HALF), *pieces(2, "whole", resources=GPU), *pieces(2, "wide", resources=WIDE)]
    assert sorted(did(works, store, engine)) == sorted(piece.makes for piece in works)


@pytest.mark.nodes
def test_a_killed_worker_and_one_without_memory_are_tried_again(engine: RayEngine, store: Store) -> None:
    works = [Piece("killed", misfortune="kill"), Piece("memory", misfortune="memory"), Piece("well")]
    assert sorted(did(works, store, engine)) == ["killed", "memory", "well"]


@pytest.mark.nodes
def test_a_failure_comes_back_with_its_place_and_traceback(engine: RayEngine, store: Store) -> None:
    with pytest.raises(BuildError) as caught:
        did([Piece("bad", misfortune="raise"), Piece("after", ("bad",)), Piece("well")], store, engine)
    assert str(caught.value).startswith("1 part failed (1 more needs them")
    assert "  bad: OddError: disk is full (tests/jobs/test_ray_engine.py:" in str(caught.value)
    assert "in _suffer" in caught.value.trace
    assert store.exists("well") and not store.exists("after")


@pytest.mark.nodes
def test_the_only_node_for_work_that_waits_goes(cluster: Cluster, engine: RayEngine, store: Store) -> None:
    node = cluster.add_node(num_cpus=1, num_gpus=4)
    wanted = Resources(gpus=4)

    def removed(event: WorkEvent) -> None:
        if event.node == "cpu":
            cluster.remove_node(node, allow_graceful=False)

    with pytest.raises(RecipeError, match="no node of the 3 has them"):
        works = [Piece("cpu"), Piece("two", ("cpu",), resources=wanted)]
        run(works, store, engine, removed)  # type: ignore[arg-type]
