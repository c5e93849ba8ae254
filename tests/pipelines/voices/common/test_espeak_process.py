"""Lines are spoken in a process of their own, which is started again when it is gone, and whose answers are never another line's."""

import subprocess
import sys
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest

from weft.pipelines.voices.common import espeak_calls, espeak_process
from weft.pipelines.voices.common.espeak_process import synthesise

VOICE, PARAMETERS = "gmw/en-US", ((1, 175), (2, 40))


def test_it_gives_what_the_library_gives() -> None:
    pcm, events = synthesise("Hello there, ”world”.", VOICE, PARAMETERS)
    same, same_events = espeak_calls.synthesise("Hello there, ”world”.", VOICE, PARAMETERS)
    assert np.array_equal(pcm, same) and events == same_events and len(pcm) and {e.type for e in events} > {1, 7}


def test_faults_have_their_words() -> None:
    with pytest.raises(ValueError, match="could not take the voice 'nope'"):
        synthesise("Hello.", "nope", ())
    assert len(synthesise("Hello.", VOICE, PARAMETERS)[0])


def test_a_process_that_was_killed_is_told_and_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    send, start = espeak_process.send, subprocess.Popen
    started: list[subprocess.Popen[bytes]] = []

    def noted(*command: Any, **settings: Any) -> subprocess.Popen[bytes]:
        started.append(start(*command, **settings))
        return started[-1]

    def killed(pipe: IO[bytes], message: dict[str, object]) -> None:
        started[-1].kill()
        started[-1].wait()
        send(pipe, message)

    with monkeypatch.context() as patch:
        interrupt(monkeypatch)  # so that the next line starts a process
        patch.setattr(subprocess, "Popen", noted)
        patch.setattr(espeak_process, "send", killed)
        with pytest.raises(RuntimeError, match=r"espeak-ng ended with status -9 at 'Hello\.'"):
            synthesise("Hello.", VOICE, PARAMETERS)
    assert len(synthesise("Hello.", VOICE, PARAMETERS)[0])


def test_an_interrupted_line_does_not_answer_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = synthesise("One.", VOICE, PARAMETERS)
    interrupt(monkeypatch)
    pcm, events = synthesise("One.", VOICE, PARAMETERS)
    assert np.array_equal(pcm, expected[0]) and events == expected[1]


def interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Speaks a line whose answer is never waited for."""

    def interrupted(pipe: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(espeak_process, "receive", interrupted)
        with pytest.raises(KeyboardInterrupt):
            synthesise("A longer line than that.", VOICE, PARAMETERS)


SPEAKER = """
import multiprocessing, multiprocessing.util, os, sys, threading
from weft.pipelines.voices.common.espeak_process import synthesise
speak = lambda line: len(synthesise(line, "gmw/en-US", ((1, 175), (2, 40)))[0])
"""


def ran(code: str, **settings: Any) -> str:
    """What a script prints that speaks."""
    command = [sys.executable, "-c", SPEAKER + code]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, **settings).stdout


def test_a_program_ends_while_forks_of_it_hold_the_pipe() -> None:
    code = "print(speak('Hello.'))\npool = multiprocessing.get_context('fork').Pool(1)\nprint(pool.map(abs, [-1]))"
    assert ran(code).split()[-1] == "[1]"


def test_a_fork_speaks_while_another_thread_of_its_parent_does() -> None:
    code = """
thread = threading.Thread(target=speak, args=("word " * 2000,))
speak("Hello.")
thread.start()
if os.fork() == 0:
    print(speak("Hello."), flush=True)
    os._exit(0)
os.wait()
thread.join()
print(speak("Hello."))
"""
    first, second = ran(code).split()
    assert first == second


def test_the_environment_of_the_process_has_no_say(tmp_path: Path) -> None:
    """Modules of the working folder, and paths that the program took out, are not found."""
    for name in ("json", "numpy", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(3)")
    code = f"os.chdir({str(tmp_path)!r})\nos.environ['PYTHONPATH'] = ':.'\nprint(speak('Hello.'))"
    assert int(ran(code)) > 0


def test_a_line_that_is_no_text_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="surrogates not allowed"):
        synthesise("\ud800x", VOICE, PARAMETERS)
