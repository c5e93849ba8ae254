"""Work that wants a GPU at the head of the queue beside work that wants none: how long both take, against the least they can.

Pieces sleep for as long as they say; only placing them takes the processor. That is seconds on a busy machine: 29 s were seen at a
load of 4. Ray is told of two CPUs and one GPU; no GPU is used. Where CPUs wait behind the GPU this takes a third longer.
"""

import time
from dataclasses import dataclass
from pathlib import Path

import ray  # noqa: TID251 - it pretends that there is a GPU

from weft.benchmarks.support.common import Figure, alone, scratch
from weft.jobs.ray_engine import RayEngine
from weft.jobs.schedule import run
from weft.pipelines.parts.work import BaseWork
from weft.pipelines.storage.store import Store
from weft.schemas.resources import Resources

TITLE = "resources: GPU work at the head of the queue"
CPUS, SECONDS = 2, 2.0
ON_CPU, ON_GPU = 12, 6  # pieces
LEAST = SECONDS * (ON_CPU + ON_GPU) / CPUS
MOST = 1.2  # times as long


@dataclass(frozen=True)
class SleepingWork(BaseWork):
    """A piece of work that sleeps and makes nothing."""

    makes: str
    resources: Resources = Resources()
    needs: tuple[str, ...] = ()

    @property
    def node(self) -> str:
        return self.makes

    def made_from(self, store: Store) -> dict[str, str]:
        return {}

    def done(self, store: Store) -> bool:
        return False

    def run(self, store: Store) -> int:
        time.sleep(SECONDS)
        return 1


def measure(folder: Path) -> list[Figure]:
    with scratch(folder / "resources") as place:
        ray.init(address="local", num_cpus=CPUS, num_gpus=1, include_dashboard=False, log_to_driver=False)
        try:
            seconds = _seconds(Store(str(place)))
        finally:
            ray.shutdown()
    return [Figure("least", LEAST, "s"), Figure(name="both kinds of work", value=seconds, unit="s", limit=MOST * LEAST)]


def _seconds(store: Store) -> float:
    """From when its processes have started."""
    engine = RayEngine(store.url)
    try:
        run(_pieces("first", CPUS, 1), store, engine, lambda event: None)
        began = time.monotonic()
        run(_pieces("piece", ON_CPU, ON_GPU), store, engine, lambda event: None)
        return time.monotonic() - began
    finally:
        engine.close()


def _pieces(name: str, on_cpu: int, on_gpu: int) -> list[SleepingWork]:
    """The last of the list lies furthest down the line and is handed out first."""
    return [
        *(SleepingWork(f"{name}-{n}") for n in range(on_cpu)),
        *(SleepingWork(f"{name}-gpu-{n}", Resources(gpus=1)) for n in range(on_gpu)),
    ]


if __name__ == "__main__":
    alone(TITLE, measure)
