"""Work on Ray: a pool of actors for each kind of resources, each actor a process that keeps its stages set up.

    RayEngine("corpus", address=None, workers=2)     starts Ray here, or joins the cluster at `address`

An actor without work is retired when work that wants other resources waits for its place. A killed worker costs the
piece of work it held, nothing else.
"""

import os
import time
from dataclasses import dataclass
from typing import Any

import ray

from weft.jobs.engine import Finished, Lost
from weft.pipelines.runner import Runner
from weft.pipelines.store import Store
from weft.pipelines.work import Work
from weft.schemas.recipe_file import RecipeError
from weft.schemas.resources import Resources


class _Worker:
    """What runs in an actor's process."""

    def __init__(self, url: str) -> None:
        self._runner = Runner(Store(url))

    def run(self, work: Work) -> tuple[int, float]:
        began = time.perf_counter()
        return self._runner.run(work), time.perf_counter() - began


@dataclass(frozen=True)
class _Actor:
    """A live actor and the resources it holds."""

    handle: Any
    resources: Resources


class RayEngine:
    """`workers` bounds the CPUs used here; a cluster's are all used. Raises ConnectionError when none answers."""

    def __init__(self, url: str, address: str | None = None, workers: int | None = None) -> None:
        self._url = url
        self._ours = not ray.is_initialized()
        if self._ours:
            _start(address, workers)
        limits = ray.cluster_resources()
        self._cpus = min(limits.get("CPU", 1.0), float(workers or "inf"))
        self._gpus = limits.get("GPU", 0.0)
        self._idle: list[_Actor] = []
        self._busy: dict[Any, tuple[_Actor, Work]] = {}

    def accepts(self, resources: Resources) -> bool:
        wanted = self._within(resources)
        if any(actor.resources == wanted for actor in self._idle):
            return True
        busy = [actor.resources for actor, _ in self._busy.values()]
        return (
            sum(r.cpus for r in busy) + wanted.cpus <= self._cpus
            and sum(r.gpus for r in busy) + wanted.gpus <= self._gpus + 1e-9
        )

    def submit(self, work: Work) -> None:
        wanted = self._within(work.resources)
        actor = next((a for a in self._idle if a.resources == wanted), None)
        if actor:
            self._idle.remove(actor)
        else:
            self._make_room(wanted)
            options = {"num_cpus": wanted.cpus, "num_gpus": wanted.gpus, "max_restarts": 0}
            actor = _Actor(ray.remote(_Worker).options(**options).remote(self._url), wanted)
        self._busy[actor.handle.run.remote(work)] = (actor, work)

    def finished(self) -> Finished | Lost:
        ready, _ = ray.wait(list(self._busy), num_returns=1)
        actor, work = self._busy.pop(ready[0])
        try:
            made, seconds = ray.get(ready[0])
        except ray.exceptions.RayActorError as error:
            return Lost(work, str(error).strip().splitlines()[0])
        except ray.exceptions.RayTaskError as error:
            cause = error.cause or RuntimeError(str(error))
            cause.add_note(work.makes)
            raise cause from None
        self._idle.append(actor)
        return Finished(work, made, seconds)

    def close(self) -> None:
        if self._ours:
            ray.shutdown()

    def _within(self, resources: Resources) -> Resources:
        """What can be had: two threads on one core are slower, not different. Raises RecipeError where there is no GPU."""
        if resources.gpus > self._gpus:
            raise RecipeError(
                "a stage asks for a GPU and Ray has none: set its `device: cpu`, or --address a cluster that has one"
            )
        return Resources(max(1, min(resources.cpus, int(self._cpus))), resources.gpus)

    def _make_room(self, wanted: Resources) -> None:
        held = [a.resources for a, _ in self._busy.values()] + [a.resources for a in self._idle]
        while self._idle and (
            sum(r.cpus for r in held) + wanted.cpus > self._cpus or sum(r.gpus for r in held) + wanted.gpus > self._gpus
        ):
            retired = self._idle.pop(0)
            held.remove(retired.resources)
            ray.kill(retired.handle)


def _start(address: str | None, workers: int | None) -> None:
    quiet: Any = {"logging_level": "ERROR", "log_to_driver": False}
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    if address or os.environ.get("RAY_ADDRESS"):
        ray.init(address=address or "auto", **quiet)
    else:
        # "local", or Ray would join whatever cluster was last started on this machine
        ray.init(address="local", num_cpus=workers, include_dashboard=False, **quiet)
