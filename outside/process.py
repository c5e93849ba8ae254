"""The parent's side of a model in another environment.

    model = Outside("/envs/whisperx/bin/python", "align_whisperx.py", {"model": "…"})
    model.ask({"words": ["and", "then"]}, samples)  ->  {"words": [{"start": 0.31, …}, …]}

The child is a script beside this file and knows nothing of weft; what it needs is installed where its Python is. It ends when its
pipe is closed: with the object, or with the process that holds it.
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

TIME_LIMIT = 3600.0  # seconds for an answer: an hour of speech on a slow CPU is one question


class OutsideFault(Exception):
    """The child could not start, could not answer, or died; it says what the child said last. A failure of the work: what a
    backend says of an item is `Unusable`.
    """


class OutsideTimeout(OutsideFault):
    """The child said nothing for longer than it may, and was killed."""


class Outside:
    """A child that answers; one that died is started anew for the next question. Raises OutsideFault when it does not come up.

    One that needs more than `seconds` to start or to answer is killed: OutsideTimeout.
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
        """The answer to a question about samples (float32 [n]). Raises OutsideFault; Unusable where the child says it of them."""
        if self._child.poll() is not None:
            self._start()
        assert self._child.stdin is not None
        with self._limited():
            with suppress(BrokenPipeError):  # it is dead, and the answer says so
                send(self._child.stdin, question, np.ascontiguousarray(samples, np.float32).data.cast("B"))
            return self._answer()

    @contextmanager
    def _limited(self) -> Iterator[None]:
        """Kills the child when the time is over, which ends whatever the block waits for."""
        late = threading.Event()

        def end() -> None:
            late.set()
            self._child.kill()

        timer = threading.Timer(self._seconds, end)
        timer.daemon = True
        timer.start()
        try:
            yield
        except OutsideFault:
            if late.is_set():
                raise OutsideTimeout(
                    f"{self._name} said nothing for {self._seconds:g} s and was killed; "
                    "set `time_limit` higher if it may need longer"
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
            raise OutsideFault(f"{self._name}: {self._last_words()}") from None
        if "fault" in answer:
            raise OutsideFault(answer["fault"])
        if "unusable" in answer:
            raise Unusable(answer["unusable"], answer["detail"])
        return answer

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else f"ended with status {self._child.wait()}"


@cache
def installed(python: str, package: str) -> str:
    """The version of a package where a Python is. Raises ValueError where there is none."""
    asked = [python or sys.executable, "-c", f"import importlib.metadata as m; print(m.version({package!r}))"]
    try:
        return subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        where = f"in the environment of {asked[0]}"
        raise ValueError(f"{package} is not installed {where}; name a Python that has it with `python:`") from None
