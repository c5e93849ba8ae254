"""A benchmark that fails does not hide the others."""

import json
from pathlib import Path

import pytest

from weft.benchmarks.run import run

MODULE = """
import os
from weft.benchmarks.support.common import Figure

TITLE = "benchmark {name}"


def measure(folder):
    {action}
    return [Figure(name="ratio", value={value}, unit="x", limit=2)]
"""


def module(folder: Path, name: str, action: str = "pass", value: int = 1) -> str:
    (folder / f"bench_{name}.py").write_text(MODULE.format(name=name, action=action, value=value))
    return f"bench_{name}"


@pytest.mark.parametrize(
    ("action", "reason"), [("raise OSError('no such clip')", "its traceback is above"), ("os.abort()", "by signal 6")]
)
def test_one_that_fails_leaves_the_others(
    action: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    names = [module(tmp_path, "first", action), "bench_missing", module(tmp_path, "last")]
    assert run(names, tmp_path / "bench") == 1
    printed = capfd.readouterr()
    assert reason in printed.out and "benchmark last" in printed.out
    assert "no such clip" in printed.err or action == "os.abort()"
    assert "No module named 'bench_missing'" in printed.err
    results = json.loads((tmp_path / "bench" / "results.json").read_text())
    assert [[figure["kept"] for figure in results[name]] for name in names] == [[False], [False], [True, True]]


@pytest.mark.parametrize(("value", "code"), [(1, 0), (3, 1)])
def test_a_missed_limit_is_named(
    value: int, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    assert run([module(tmp_path, "only", value=value)], tmp_path / "bench") == code
    assert ("missed: bench_only: ratio" in capfd.readouterr().out) == bool(code)
