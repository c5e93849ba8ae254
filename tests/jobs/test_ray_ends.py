"""A driver that is killed leaves nothing of Ray running."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

DRIVER = """
import sys
from dataclasses import dataclass
from weft.jobs.ray_engine import RayEngine
from weft.pipelines.parts.work import BaseWork

@dataclass(frozen=True)
class Busy(BaseWork):
    makes: str
    needs: tuple = ()
    node: str = "busy"

    def run(self, store):
        store.write(self.makes, b"")
        return sum(range(10**13))  # days in one step of Python, in which it looks at nothing else

engine = RayEngine(sys.argv[1], workers=1)
engine.submit(Busy("begun"))
while engine.finished() is None:
    pass
"""
MINUTE = 60.0


@pytest.mark.slow
def test_nothing_of_ray_outlives_a_killed_driver(tmp_path: Path) -> None:
    env = {**os.environ, "RAY_worker_niceness": "0"}  # or whatever else runs here comes first
    driver = subprocess.Popen([sys.executable, "-c", DRIVER, str(tmp_path)], env=env, start_new_session=True)
    try:
        assert until((tmp_path / "begun").exists, 4 * MINUTE)
        assert len(of_session(driver.pid)) > 3
        driver.kill()
        driver.wait()
        assert until(lambda: not of_session(driver.pid), MINUTE), of_session(driver.pid)
    finally:
        for process in of_session(driver.pid):
            os.kill(process, signal.SIGKILL)


def until(holds, seconds: float) -> bool:
    """Looks until something holds, for at most so long."""
    tick, deadline = threading.Event(), time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        tick.wait(0.2)
    return bool(holds())


def of_session(leader: int) -> dict[int, str]:
    """The processes of a session that run, by number, with their command lines: Ray's workers have groups of their own."""
    found = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            command = Path("/proc", name, "cmdline").read_bytes()  # empty for one that has ended and was not waited for
            if os.getsid(int(name)) == leader and command:
                found[int(name)] = command.decode(errors="replace")[:80]
        except OSError:
            continue
    return found
