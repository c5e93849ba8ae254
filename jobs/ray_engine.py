"""Work on Ray: actors for each kind of resources, each a process that keeps its stages set up.

    RayEngine("corpus", address=None, workers=2)     starts Ray here, or joins the cluster at `address`

Ray places the actors. Nodes differ: one free CPU on each of two nodes has no room for work that needs two CPUs. So the sums over the
cluster only limit how much work is submitted. A killed worker or a lost node loses the work that it ran, nothing else.
"""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import ray

from weft.jobs import ray_watchdog
from weft.jobs.engine import End, Failed, Finished, Lost
from weft.jobs.failures import Failure
from weft.jobs.ray_pool import Actor, Pool
from weft.jobs.ray_worker import Worker
from weft.pipelines.choices import plugins
from weft.pipelines.parts.work import Work
from weft.schemas.faults import RecipeError
from weft.schemas.resources import Resources

PATIENCE = 3.0  # seconds that work waits for a node before idle actors are retired for it
LONG = 30.0  # seconds, where the cluster seems to have room: a process may be slow to start
LOOK_AGAIN = 1.0  # seconds between two queries of the cluster while no work ends


@dataclass(frozen=True)
class _Waiting:
    """Work that was accepted and has no actor yet."""

    work: Work
    kind: Resources
    since: float = field(default_factory=time.monotonic)


class RayEngine:
    """`workers` bounds the CPUs that are used, on this machine or in a cluster. Raises ConnectionError when no cluster answers."""

    def __init__(self, url: str, address: str | None = None, workers: int | None = None) -> None:
        self.url = url
        self._ours = not ray.is_initialized()
        if self._ours:
            _start(address, workers)
        self._watchdog = ray_watchdog.start(os.getpid()) if self._ours else None
        self._most = float(workers or "inf")
        for module in plugins.modules():  # its file may exist only on this machine
            ray.cloudpickle.register_pickle_by_value(module)
        self._pool = Pool(lambda kind: _actor(url, kind))
        self._waiting: list[_Waiting] = []
        self._running: dict[Any, Work] = {}
        self._query_nodes()

    def check(self, resources: Resources) -> None:
        self._query_nodes()
        self._granted(resources)

    def accepts(self, resources: Resources) -> bool:
        kind = self._granted(resources)
        waiting = [w.kind for w in self._waiting if w.kind == kind]
        coming = sum(a.resources == kind for a in self._pool.idle) + self._pool.count_starting(kind)
        if coming > len(waiting):
            return True
        busy = [actor.resources for actor in self._pool.busy.values()]
        return self._fit([*busy, *waiting, kind]) or not (waiting or kind in busy)

    def submit(self, work: Work) -> None:
        self._waiting.append(_Waiting(work=work, kind=self._granted(work.resources)))
        self._assign()

    def starved(self) -> Sequence[Work]:
        return [w.work for w in self._waiting if self._wants_room(w) and not self._wants_gpu(w)]

    def finished(self, wait: bool = True) -> End | None:
        while True:
            self._make_room()
            refs = [*self._pool.busy, *self._pool.starting]
            ready, _ = ray.wait(refs, num_returns=1, timeout=LOOK_AGAIN if wait else 0)
            if ready:
                return self._placed(ready[0]) if ready[0] in self._pool.starting else self._ended(ready[0])
            if not wait:
                return None
            self._query_nodes()
            for waiting in self._waiting:
                self._granted(
                    waiting.work.resources
                )  # raises where the only node for it has gone; else it would wait forever

    def close(self) -> None:
        for actor in self._pool.actors():
            ray.kill(actor.handle)
        if self._ours:
            ray.shutdown()
        ray_watchdog.stop(self._watchdog)

    def _query_nodes(self) -> None:
        self._nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        self._cpus = min(sum(node.get("CPU", 0.0) for node in self._nodes), self._most)
        self._gpus = sum(node.get("GPU", 0.0) for node in self._nodes)

    def _granted(self, wanted: Resources) -> Resources:
        """The resources of an actor for it: at most the CPUs of one node, since fewer cores change the speed but not the result.

        Raises RecipeError where no node has the GPUs.
        """
        cpus = max((node.get("CPU", 0.0) for node in self._nodes if node.get("GPU", 0.0) >= wanted.gpus), default=0.0)
        if cpus >= 1:
            return Resources(cpus=max(1, int(min(wanted.cpus, cpus, self._most))), gpus=wanted.gpus)
        if wanted.gpus and not self._gpus:
            raise RecipeError(
                "a stage asks for a GPU and Ray has none: set its `device: cpu`, or --address a cluster that has one"
            )
        gpus = f" and {wanted.gpus:g} GPUs" if wanted.gpus else ""
        raise RecipeError(f"a stage asks for a CPU{gpus} on one node, and no node of the {len(self._nodes)} has them")

    def _fit(self, held: Sequence[Resources]) -> bool:
        """Whether the cluster has these resources in sum."""
        return sum(r.cpus for r in held) <= self._cpus and sum(r.gpus for r in held) <= self._gpus + 1e-9

    def _wants_room(self, waiting: _Waiting) -> bool:
        """Whether idle actors must be retired: all actors exceed the cluster's sum, or no node has had room for a long time."""
        waited = time.monotonic() - waiting.since
        granted = [actor.resources for actor in self._pool.actors()]
        return (
            waited > LONG
            or not self._fit(granted)
            or (waited > PATIENCE and self._used() < sum(r.cpus for r in granted))
        )

    def _used(self) -> float:
        """CPUs of the cluster that are in use; fewer than those of our actors while one of them is not placed."""
        return sum(node.get("CPU", 0.0) for node in self._nodes) - ray.available_resources().get("CPU", 0.0)

    def _wants_gpu(self, waiting: _Waiting) -> bool:
        """Whether it waits for a GPU, so that another free CPU would not help."""
        held = sum(actor.resources.gpus for actor in self._pool.busy.values())
        return waiting.kind.gpus > 0 and held + waiting.kind.gpus > self._gpus + 1e-9

    def _assign(self) -> None:
        """Assigns waiting work to idle actors of its kind, and starts actors for the rest."""
        for waiting in list(self._waiting):
            if actor := self._pool.take_idle(waiting.kind):
                self._waiting.remove(waiting)
                self._begin(actor, waiting.work)
        for kind in {w.kind for w in self._waiting}:
            while self._pool.count_starting(kind) < sum(w.kind == kind for w in self._waiting):
                self._pool.start(kind)

    def _begin(self, actor: Actor, work: Work) -> None:
        result = actor.handle.run.remote(work)
        self._pool.busy[result] = actor
        self._running[result] = work

    def _make_room(self) -> None:
        """Retires idle actors of other kinds whose resources waiting work needs."""
        if any(self._wants_room(waiting) for waiting in self._waiting):
            self._cancel_surplus()
        for waiting in self._waiting:
            for actor in list(self._pool.idle):
                helps = actor.resources.gpus > 0 or not self._wants_gpu(waiting)
                if actor.resources != waiting.kind and helps and self._wants_room(waiting):
                    self._pool.retire(actor)

    def _cancel_surplus(self) -> None:
        for kind in {actor.resources for actor in self._pool.starting.values()}:
            wanted = sum(w.kind == kind for w in self._waiting)
            for _ in range(self._pool.count_starting(kind) - wanted):
                self._pool.cancel(kind)

    def _placed(self, first: Any) -> Lost | None:
        kind = self._pool.starting[first].resources
        try:
            self._pool.placed(first)
        except ray.exceptions.RayError as error:
            if waiting := next((w for w in self._waiting if w.kind == kind), None):
                self._waiting.remove(waiting)
                self._assign()
                return Lost(waiting.work, _sentence(error))
        self._assign()
        return None

    def _ended(self, result: Any) -> End:
        actor, work = self._pool.busy.pop(result), self._running.pop(result)
        try:
            outcome = ray.get(result)
        except ray.exceptions.RayTaskError as error:
            self._pool.idle.append(actor)
            self._assign()
            if isinstance(error.cause, MemoryError):
                return Lost(work, _sentence(error))
            cause = error.cause or RuntimeError(str(error))
            cause.add_note(work.makes)
            raise cause from None
        except (
            ray.exceptions.RayError
        ) as error:  # the worker or its node died, or the worker was killed for lack of memory
            self._pool.lost(actor)
            return Lost(work, _sentence(error))
        self._pool.idle.append(actor)
        self._assign()
        if isinstance(outcome, Failure):
            return Failed(work, outcome)
        records, seconds = outcome
        return Finished(work=work, records=records, seconds=seconds)


def _actor(url: str, kind: Resources) -> Any:
    options = {"num_cpus": kind.cpus, "num_gpus": kind.gpus, "max_restarts": 0}
    return ray.remote(Worker).options(**options).remote(url)


def _sentence(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0]}"


def _start(address: str | None, workers: int | None) -> None:
    quiet: Any = {"logging_level": "ERROR", "log_to_driver": False}
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    if (address or os.environ.get("RAY_ADDRESS")) and address != "local":
        ray.init(address=address or "auto", **quiet)
    else:
        # without "local" Ray joins the cluster that was last started on this machine
        ray.init(address="local", num_cpus=workers, include_dashboard=False, **quiet)
