"""What runs in a process of Ray: pieces of work, with their stages kept set up.

worker.run.remote(work)   ->   (records made, seconds)  |  Failure
"""

import ctypes
import signal
import socket
import sys
import time

import ray

from weft.jobs.failures import ENDING, Failure, failure_of
from weft.pipelines.parts.runner import Runner
from weft.pipelines.parts.work import Work
from weft.pipelines.storage.store import Store

_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of <sys/prctl.h>


class Worker:
    """An actor. It ends with the node that started it, whatever it is busy with."""

    def __init__(self, url: str) -> None:
        _end_with_parent()
        self._runner = Runner(Store(url))

    def node(self) -> str:
        """Where it runs, once it runs."""
        return str(ray.get_runtime_context().get_node_id())

    def run(self, work: Work) -> tuple[int, float] | Failure:
        """An exception comes back as words: not every type can be sent. What ends a build, and lack of memory, is raised."""
        began = time.perf_counter()
        try:
            return self._runner.run(work), time.perf_counter() - began
        except (*ENDING, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 - one failed piece does not stop what does not need it
            return failure_of(error, socket.gethostname())


def _end_with_parent() -> None:
    """Ray's workers notice the end of their node only between two steps of Python, a minute late where one computes."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
