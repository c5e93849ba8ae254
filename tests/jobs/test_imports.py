"""Commands that only read import nothing that computes: they answer at once."""

import os
import subprocess
import sys

import pytest

from weft.pipelines.choices.registry import names

HEAVY = ("torch", "transformers", "ray", "datasets", "sklearn", "scipy", "matplotlib", "silero_vad", "jiwer")
LOOKS = f"""
import sys
from weft.jobs import cli
sys.argv = ["weft", *sys.argv[1:]]
try:
    cli.main()
finally:
    print("imported:", *(name for name in {HEAVY} if name in sys.modules))
"""


def imported(*arguments: str) -> list[str]:
    """The heavy packages that a command imports, in a process of its own."""
    here = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", LOOKS, *arguments], capture_output=True, text=True, env=here)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1].split()[1:]


def test_help_imports_nothing_that_computes() -> None:
    assert imported("--help") == []


def test_validate_imports_nothing_that_computes() -> None:
    assert imported("validate", "demo") == []


@pytest.mark.parametrize(
    "folder", ["tokenizers", "aligners", "segmenters", "transcribers", "voices", "tasks", "sources", "rewards"]
)
def test_a_backend_is_imported_without_what_it_computes_with(folder: str) -> None:
    listing = f"""
import sys
from weft.pipelines.choices.registry import load, names
for name in names({folder!r}):
    load({folder!r}, name)
    print(name, *(heavy for heavy in {HEAVY} if heavy in sys.modules))
"""
    here = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, env=here, check=True)
    assert done.stdout.splitlines() == names(folder)


def test_names_of_backends_import_none_of_them() -> None:
    code = "import sys; from weft.pipelines.choices.registry import names; print(*names('tokenizers')); print(*sys.modules)"
    here = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=here, check=True)
    found, modules = done.stdout.splitlines()
    assert "hubert" in found.split() and "base" not in found.split()
    assert not {name for name in modules.split() if name.startswith("weft.tokenizers.")}


def test_looking_into_a_corpus_imports_no_torch(text_corpus: str) -> None:
    assert "torch" not in imported("status", text_corpus) + imported("inspect", text_corpus, "")
