"""espeak-ng in a process of its own, in which no other thread draws from the C library's `rand`.

    synthesise("Hello there.", "gmw/en-US+Reed", ((1, 175), (2, 40)))   ->   int16[17212], [EspeakEvent(type=1, place=0, sample=0), …]

Two of its synthesisers take their noise from `rand`, whose numbers all threads of a process share. A Ray worker has threads that
draw now and then, and each such draw would give other samples. The process starts with the first line and ends with the one that
asks it.
"""

import atexit
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from weft.outside.serving import receive, send
from weft.pipelines.voices.common import espeak_calls
from weft.pipelines.voices.common.espeak_calls import EspeakEvent

_ROOT = Path(__file__).parents[4]  # the folder that the package lies in
_ERRORS: dict[str, type[Exception]] = {"ValueError": ValueError, "RuntimeError": RuntimeError}
_lock = threading.Lock()
_children: dict[int, subprocess.Popen[bytes]] = {}  # by the process that started it


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
            child.kill()  # an answer that nobody waited for must not be taken for the next line's
            child.wait()
            raise
    if "error" in answer:
        raise _ERRORS[answer["error"]](answer["message"])
    events = (
        EspeakEvent(type=kind, place=place, sample=sample, phone=phone.encode("latin-1"))
        for kind, place, sample, phone in answer["events"]
    )
    return np.frombuffer(samples, np.int16), list(events)


def _child() -> subprocess.Popen[bytes]:
    """The running process, or a new one."""
    child = _children.get(os.getpid())
    if child is None or child.poll() is not None:
        paths = filter(None, (str(_ROOT), os.environ.get("PYTHONPATH")))
        child = _children[os.getpid()] = subprocess.Popen(
            [sys.executable, "-P", "-m", __spec__.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
            start_new_session=True,  # Ctrl-C is for who asks; this ends when its pipe is closed
        )
    return child


@atexit.register
def _end() -> None:
    if child := _children.pop(os.getpid(), None):
        child.communicate()


# --- in the process of its own ----------------------------------------------------------------------------------


def _serve() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the library prints must not mix with the answers
    while True:
        try:
            question, _ = receive(sys.stdin.buffer)
        except EOFError:
            return
        send(answers, *_answer(question))


def _answer(question: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    try:
        pcm, events = espeak_calls.synthesise(question["line"], question["voice"], question["parameters"])
    except (ValueError, RuntimeError) as error:
        return {"error": type(error).__name__, "message": str(error)}, b""
    rows = [(event.type, event.place, event.sample, event.phone.decode("latin-1")) for event in events]
    return {"events": rows}, pcm.tobytes()


if __name__ == "__main__":
    _serve()
