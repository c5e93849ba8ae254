"""The examples of every command's `--help` work as they are written, in a folder with a recipe and a corpus of those names."""

import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from weft.jobs import cli

Weft = Callable[..., tuple[int, str, str]]
# what takes minutes, or wants trained stages, is called and does nothing; what stands before it, paths and options, is checked
SLOW = {
    "demo": "weft.jobs.demo.run_demo",
    "align": "weft.jobs.aligning.run_align",
    "encode": "weft.jobs.encoding.run_encode",
    "train": "weft.jobs.training.run_training",
    "merge": "weft.jobs.merging.run_merge",
    "evaluate": "weft.jobs.evaluate_run.run_evaluate",
    "tokenizer train": "weft.jobs.tokenizing.run_training",
    "tokenizer evaluate": "weft.jobs.evaluating.run_evaluation",
}


def examples() -> dict[str, list[str]]:
    """By command, such as `tokenizer train`."""
    root: Any = get_command(cli.app)
    commands = {name: command for name, command in root.commands.items() if not hasattr(command, "commands")}
    groups = {name: group for name, group in root.commands.items() if hasattr(group, "commands")}
    commands |= {f"{g} {name}": command for g, group in groups.items() for name, command in group.commands.items()}
    return {name: re.findall(r"Example: weft (.+)", command.help or "") for name, command in commands.items()}


EXAMPLES = [(name, line) for name, lines in examples().items() for line in lines]


def test_every_command_has_one() -> None:
    assert all(examples().values())


@pytest.mark.parametrize(("command", "line"), EXAMPLES, ids=[line for _, line in EXAMPLES])
def test_an_example_works(
    weft: Weft, command: str, line: str, small_corpus: Path, text_corpus: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    assert line.startswith(command)
    monkeypatch.chdir(tmp_path)
    shutil.copy(small_corpus / "recipe.yaml", "my.yaml")
    shutil.copytree(text_corpus, "corpus")
    Path("clip.wav").write_bytes(b"")
    for folder in ("interviews", "recordings", "test-clips", "run"):
        Path(folder).mkdir()
    if command in SLOW:
        monkeypatch.setattr(SLOW[command], lambda *given, **named: True)
    words = shlex.split(
        line.replace("clip-3fa0c1d2e4b5-0000-words-0", "a-").replace("inspect corpus clip.wav", "inspect corpus a.txt")
    )
    code, _, output = weft(*words)
    assert code == 0, output


def test_an_option_says_what_it_takes_and_not_its_type(weft: Weft) -> None:
    for name in examples():
        code, output, _ = weft(*name.split(), "-h")
        assert code == 0 and not re.search(r"<(bool|int|str|float|path|list)", output), name
    assert "--workers" in output or "--workers" in weft("build", "--help")[1]


def test_the_version(weft: Weft) -> None:
    code, output, _ = weft("--version")
    assert code == 0 and re.fullmatch(r"weft \d+\.\d+\.\d+\n", output)


def test_completion_can_be_installed(weft: Weft) -> None:
    assert "--install-completion" in weft("--help")[1]
