"""`make check` reads the tests too: one that imports or calls what is gone is named before it runs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = "def double(number: int) -> int:\n    return 2 * number\n"
HELPERS = "def three():\n    return 3\n"
GONE = {
    "from weft.doubling import triple": 'Module "weft.doubling" has no attribute "triple"',
    "from weft.tripling import treble": '"weft.tripling"',
    "from tests.helpers import four": 'Module "tests.helpers" has no attribute "four"',
    "from tests.gone import five": 'module named "tests.gone"',
    "doubling.double(1, 2)": 'Too many arguments for "double"',
    "doubling.halve(1)": 'Module has no attribute "halve"',
}
FINE = "def test_double():\n    assert doubling.double(three()) == 6 and doubling.double('ab') == 'abab'\n"


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What mypy prints of a package and its test, asked as the Makefile asks it, with weft's own settings."""
    folder = tmp_path_factory.mktemp("checked")
    files = {
        "weft/__init__.py": "",
        "weft/doubling.py": PACKAGE,
        "tests/helpers.py": HELPERS,
        "tests/test_doubling.py": "\n".join(
            ["from weft import doubling", "from tests.helpers import three", *GONE, FINE]
        ),
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    (packages,) = re.findall(r"bin/mypy (.*) --config-file", (ROOT / "Makefile").read_text())
    command = [sys.executable, "-m", "mypy", *packages.split(), "--config-file", ROOT / "pyproject.toml"]
    elsewhere = {
        name: value for name, value in os.environ.items() if name != "PYTHONPATH"
    }  # which may name a real `tests`
    ran = subprocess.run(command, cwd=folder, env=elsewhere, capture_output=True, text=True)
    return [line for line in ran.stdout.splitlines() if ": error: " in line]


@pytest.mark.parametrize("statement", GONE)
def test_a_test_that_uses_what_is_gone_is_named(lines: list[str], statement: str) -> None:
    place = f"tests/test_doubling.py:{3 + [*GONE].index(statement)}: error: "
    assert any(line.startswith(place) and GONE[statement] in line for line in lines), lines


def test_nothing_else_is_asked_of_tests(lines: list[str]) -> None:
    assert len(lines) == len(GONE), lines
