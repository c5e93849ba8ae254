"""Absolute paths name what the operating system opens."""

import os
from pathlib import Path

import pytest

from weft.pipelines.storage.paths import absolute


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """here/link leads to there/inner; both here and there hold a file x."""
    for name in ("here", "there/inner"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("here", "there"):
        (tmp_path / name / "x").write_text(name)
    (tmp_path / "here" / "link").symlink_to(tmp_path / "there" / "inner")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("x", "here/x"),
        ("./x/", "here/x"),
        (".", "here"),
        ("../there//x", "there/x"),
        ("link", "here/link"),  # as the user calls it
        ("link/y", "here/link/y"),
        ("link/../x", "there/x"),
        ("link/y/../../x", "there/x"),
        ("link/../../here/x", "here/x"),
        ("gone/../x", "here/x"),
    ],
)
def test_a_path_leads_where_the_system_goes(folder: Path, path: str, expected: str) -> None:
    assert absolute(path) == str(folder / expected) == absolute(str(folder / "here" / path))
    if os.path.exists(path):
        assert os.path.samefile(path, absolute(path))


def test_nothing_is_above_the_root() -> None:
    assert absolute("/../../x") == "/x" and absolute("/") == "/"
