"""Things that would hang a test if the code were wrong fail it instead."""

import builtins
import os
import stat
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def pipe_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening a pipe to read blocks for ever; here it is an error."""

    def guarded(opens: Callable[..., Any]) -> Callable[..., Any]:
        def opened(file: Any, *rest: Any, **options: Any) -> Any:
            if isinstance(file, str | os.PathLike) and os.path.exists(file) and stat.S_ISFIFO(os.stat(file).st_mode):
                raise AssertionError("a pipe was opened")
            return opens(file, *rest, **options)

        return opened

    monkeypatch.setattr(builtins, "open", guarded(open))
    monkeypatch.setattr(os, "open", guarded(os.open))
