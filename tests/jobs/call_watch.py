"""Follows calls between files: which files each piece of work enters, and where a file at work is called back.

    watch = CallWatch(ROOT)
    with watch.following("train"):
        train(…)
    watch.entered["train"]      {"trainer/train.py", "trainer/loader.py", …}
    watch.back["align/long"]    {"pipelines/aligners/common/windows.py calls align_samples of pipelines/aligners/common/at_once.py"}

A call goes back where a file enters a function of another file that is still at work above it, of whatever kind the function is:
a method, a closure, a lambda, a bound method, what a `partial` holds. A generator is left out. Whoever takes its next item enters
it again, and the file that takes is as a rule the one that called it: that is how a result is handed on. What its body calls counts.
"""

import inspect
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any


class CallWatch:
    """Of files below `root`, but those of tests. `node` is what a piece of work calls itself; other calls are of the `default`."""

    def __init__(self, root: Path) -> None:
        self.entered: dict[str, set[str]] = {}
        self.back: dict[str, set[str]] = {}
        self._root, self._default = f"{root}/", ""
        self._files: dict[CodeType, str] = {}

    @contextmanager
    def following(self, default: str = "") -> Iterator[None]:
        """Also into threads that begin here."""
        self._default, before = default, (sys.gettrace(), threading.gettrace())
        threading.settrace(self._see)
        sys.settrace(self._see)
        try:
            yield
        finally:
            sys.settrace(before[0])
            threading.settrace(before[1])  # type: ignore[arg-type]

    def _see(self, frame: FrameType, event: str, _: Any) -> Callable[..., Any] | None:
        if event == "call" and (file := self._file(frame.f_code)):
            above = [one for one in _callers(frame) if self._file(one.f_code)]
            if node := _node([frame, *above]) or self._default:
                self.entered.setdefault(node, set()).add(file)
                self._compare(node, frame, above)
        return None

    def _compare(self, node: str, frame: FrameType, above: list[FrameType]) -> None:
        file, files = self._file(frame.f_code), [self._file(one.f_code) for one in above]
        is_resumed = bool(frame.f_code.co_flags & inspect.CO_GENERATOR)
        if file in files and file != files[0] and not is_resumed:
            self.back.setdefault(node, set()).add(f"{files[0]} calls {frame.f_code.co_qualname} of {file}")

    def _file(self, code: CodeType) -> str:
        """Relative to the root; "" for code of others, of tests, and for the body of a module."""
        if code not in self._files:
            path, name = code.co_filename, code.co_name
            inner = path.removeprefix(self._root)
            is_own = inner != path and not inner.startswith((".venv/", "tests/")) and name != "<module>"
            self._files[code] = inner if is_own else ""
        return self._files[code]


def _callers(frame: FrameType) -> Iterator[FrameType]:
    """Whoever is at work above, the nearest first."""
    at = frame.f_back
    while at:
        yield at
        at = at.f_back


def _node(frames: list[FrameType]) -> str:
    """The node of the piece of work that is being run; "" outside of all."""
    works = (one.f_locals.get("self") for one in frames if one.f_code.co_name == "run")
    return next((str(work.node) for work in works if hasattr(work, "node")), "")
