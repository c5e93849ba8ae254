"""espeak-ng in a process of its own, in which no other thread draws from the C library's `rand`.

    synthesise("Hello there.", "gmw/en-US+Reed", ((1, 175), (2, 40)))   ->   int16[17212], [EspeakEvent(type=1, place=0, sample=0), …]

Two of its synthesisers take their noise from `rand`, whose numbers all threads of a process share. A Ray worker has threads that
draw now and then, and each such draw would give other samples. The process starts with the first line and ends with the one that
asks it.
"""

import atexit
import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from weft.outside.serving import receive, send
from weft.pipelines.voices.common import espeak_calls
from weft.pipelines.voices.common.espeak_calls import EspeakEvent

_PACKAGE = Path(__file__).parents[3]
# the same code with the same packages: a search for `weft` could find another checkout, and `-I` keeps out what the environment names
_START = """
import importlib.util, json, sys
package, sys.path[:] = sys.argv[1], json.loads(sys.argv[2])
spec = importlib.util.spec_from_file_location("weft", f"{package}/__init__.py", submodule_search_locations=[package])
sys.modules["weft"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sys.modules["weft"])
from weft.pipelines.voices.common.espeak_process import serve
serve()
"""
_lock = threading.Lock()
_running: list[subprocess.Popen[bytes]] = []  # one at most


def synthesise(line: str, voice: str, parameters: Sequence[tuple[int, int]]) -> tuple[np.ndarray, list[EspeakEvent]]:
    """One line as int16 samples and events in the order of their samples. Raises ValueError for what espeak-ng cannot do, RuntimeError
    where it does not start or dies.
    """
    with _lock:
        child = _child()
        assert child.stdin and child.stdout
        try:
            send(child.stdin, {"line": line, "voice": voice, "parameters": parameters})
            answer, samples = receive(child.stdout)
        except (EOFError, BrokenPipeError):
            raise RuntimeError(f"espeak-ng ended with status {child.wait()} at {line[:60]!r}") from None
        except BaseException:
            _end()  # an answer that nobody waited for must not be taken for the next line's
            raise
    if "error" in answer:
        raise (ValueError if answer["is_wrong"] else RuntimeError)(answer["error"])
    events = (
        EspeakEvent(type=kind, place=place, sample=sample, phone=phone.encode("latin-1"))
        for kind, place, sample, phone in answer["events"]
    )
    return np.frombuffer(samples, np.int16), list(events)


def _child() -> subprocess.Popen[bytes]:
    """The running process, or a new one."""
    if _running and _running[0].poll() is None:
        return _running[0]
    _end()
    paths = [path for path in sys.path if os.path.isabs(path)]
    child = subprocess.Popen(
        [sys.executable, "-I", "-c", _START, str(_PACKAGE), json.dumps(paths)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for who asks; this ends when its pipe is closed
    )
    _running.append(child)
    return child


@atexit.register
def _end() -> None:
    """Ends the process. It is killed, as a fork of this one may hold its pipe open."""
    while _running:
        child = _running.pop()
        child.kill()
        _close(child)
        child.wait()


def _close(child: subprocess.Popen[bytes]) -> None:
    assert child.stdin and child.stdout
    child.stdout.close()
    with suppress(BrokenPipeError):  # what a dead process did not read
        child.stdin.close()


def _after_fork() -> None:
    """In a fork: the process is that of the parent."""
    while _running:
        _close(_running.pop())
    _lock.release()


os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_after_fork)


# --- in the process of its own ----------------------------------------------------------------------------------


def serve() -> None:
    """Answers until the pipe is closed."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the library prints must not mix with the answers
    with suppress(EOFError, BrokenPipeError):
        while True:
            question, _ = receive(sys.stdin.buffer)
            send(answers, *_answer(question))


def _answer(question: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    try:
        pcm, events = espeak_calls.synthesise(question["line"], question["voice"], question["parameters"])
    except (ValueError, RuntimeError) as error:
        return {"error": str(error), "is_wrong": isinstance(error, ValueError)}, b""
    rows = [(event.type, event.place, event.sample, event.phone.decode("latin-1")) for event in events]
    return {"events": rows}, pcm.tobytes()
