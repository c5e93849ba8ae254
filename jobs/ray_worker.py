"""The actor that runs work in a Ray process. It keeps its stages set up between pieces of work.

worker.run.remote(work)   ->   (records, seconds)  |  Failure
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
    """A Ray actor. It ends at once when the node that started it ends."""

    def __init__(self, url: str) -> None:
        _end_with_parent()
        self._runner = Runner(Store(url))

    def node(self) -> str:
        """The id of its node. Answers when the actor has started."""
        return str(ray.get_runtime_context().get_node_id())

    def run(self, work: Work) -> tuple[int, float] | Failure:
        """The number of records and seconds, or the failure as text: not every exception can be sent.

        Raises MemoryError, and the exceptions in `ENDING`, which end a build.
        """
        began = time.perf_counter()
        try:
            return self._runner.run(work), time.perf_counter() - began
        except (*ENDING, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 - one failed piece does not stop what does not need it
            return failure_of(error, socket.gethostname())


def _end_with_parent() -> None:
    """Without it a worker notices the end of its node only between Python instructions: a minute late in a long computation."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
