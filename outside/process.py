"""The parent process of a model in another environment.

    model = Outside("/envs/whisperx/bin/python", "align_whisperx.py", {"model": "…"})
    model.ask({"words": ["and", "then"]}, samples)  ->  {"words": [{"start": 0.31, …}, …]}

The child is a script beside this file. It imports nothing of weft; its packages are installed in the environment of its interpreter.
It ends when its pipe is closed: with the object, or with the parent process.
"""

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from weft.outside.serving import receive, send
from weft.schemas.ledger import Unusable

TIME_LIMIT = 3600.0  # seconds for an answer: one question may hold an hour of speech on a slow CPU


class OutsideFault(Exception):
    """The child could not start, could not answer, or died; the message has its last output. It fails the work: an item that the
    model cannot use raises `Unusable` instead.
    """


class OutsideTimeout(OutsideFault):
    """The child did not answer in time, and was killed."""


class Outside:
    """A child process that answers questions. A dead child is started again for the next question.

    Raises OutsideFault when it does not start. Raises OutsideTimeout when it needs more than `seconds` to start or to answer; it is
    then killed.
    """

    def __init__(self, python: str, script: str, settings: dict[str, Any], seconds: float = TIME_LIMIT) -> None:
        self._seconds = seconds
        self._name = python or sys.executable
        self._command = [self._name, str(Path(__file__).parent / script), json.dumps(settings)]
        self._start()

    def _start(self) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the child
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self._log}
        try:
            self._child = subprocess.Popen(self._command, **pipes)  # type: ignore[call-overload]
        except OSError as error:
            raise OutsideFault(f"{self._name} does not start ({error})") from None
        with self._limited():
            self._answer()

    def ask(self, question: dict[str, Any], samples: np.ndarray) -> dict[str, Any]:
        """The answer about samples (float32 [n]). Raises OutsideFault, and Unusable for samples that the child cannot use."""
        if self._child.poll() is not None:
            self._start()
        assert self._child.stdin is not None
        with self._limited():
            with suppress(BrokenPipeError):  # the child is dead, and `_answer` reports it
                send(self._child.stdin, question, np.ascontiguousarray(samples, np.float32).data.cast("B"))
            return self._answer()

    @contextmanager
    def _limited(self) -> Iterator[None]:
        """Kills the child after the time limit, which ends the wait for its answer."""
        timed_out = threading.Event()

        def end() -> None:
            timed_out.set()
            self._child.kill()

        timer = threading.Timer(self._seconds, end)
        timer.daemon = True
        timer.start()
        try:
            yield
        except OutsideFault:
            if timed_out.is_set():
                raise OutsideTimeout(
                    f"{self._name} did not answer in {self._seconds:g} s and was killed; "
                    "set a higher `time_limit` if it needs longer"
                ) from None
            raise
        finally:
            timer.cancel()

    def _answer(self) -> dict[str, Any]:
        assert self._child.stdout is not None
        try:
            answer, _ = receive(self._child.stdout)
        except EOFError:
            self._child.wait()
            raise OutsideFault(f"{self._name}: {self._last_output()}") from None
        if "fault" in answer:
            raise OutsideFault(answer["fault"])
        if "unusable" in answer:
            raise Unusable(answer["unusable"], answer["detail"])
        return answer

    def _last_output(self) -> str:
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else f"ended with status {self._child.wait()}"


@cache
def installed(python: str, package: str) -> str:
    """The version of a package in an interpreter's environment. Raises ValueError where it is not installed."""
    command = [python or sys.executable, "-c", f"import importlib.metadata as m; print(m.version({package!r}))"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        where = f"in the environment of {command[0]}"
        raise ValueError(f"{package} is not installed {where}; give an interpreter that has it as `python:`") from None
