"""What README.md and the pages of docs/ show can be done: links lead somewhere, commands and options exist, recipes are valid."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from weft.jobs import cli
from weft.jobs.commands import read_pipeline
from weft.jobs.model_check import check_models
from weft.pipelines.choices.registry import load, names

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
CODE = re.compile(r"`((?:benchmarks|jobs|pipelines|schemas|tests|tokenizers|trainer)/[a-z0-9_/.-]+)`")
BACKENDS = {  # of a section of a recipe: the folder
    "segment": "segmenters", "transcribe": "transcribers", "align": "aligners", "synthesize": "voices",
    "encoder": "encoders", "image_encoder": "image_encoders",
}  # fmt: skip
SETTINGS = re.compile(rf"\b({'|'.join(BACKENDS)}): \{{([^}}]*)\}}")
COMMAND = re.compile(r"^(?:    )?(weft [a-z][^\n#]*)", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_and_folders_of_code_exist(page: Path) -> None:
    assert [path for path in CODE.findall(page.read_text("utf-8")) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_nothing_is_shown_that_lies_outside_of_the_repository(page: Path) -> None:
    text = re.sub(r"\]\([^)]*\)", "", page.read_text("utf-8"))
    assert not re.findall(r"\.\./[\w/.-]+", text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_backends_have_the_settings_that_are_shown(page: Path) -> None:
    """Those of weft's own, in clauses such as `segment: {longest: 20}`."""
    for section, settings in SETTINGS.findall(page.read_text("utf-8")):
        fields = (load(BACKENDS[section], name).model_fields for name in names(BACKENDS[section]))
        if "./" not in settings:
            assert set(re.findall(r"(\w+):", settings)) <= {"use"}.union(*fields), settings


def options(words: list[str]) -> set[str]:
    """The options of a command such as ["tokenizer", "train"]; fails where there is no such command."""
    command: Any = get_command(cli.app)
    for word in words[: 2 if words[0] == "tokenizer" else 1]:
        command = command.commands[word]
    return {option for parameter in command.params for option in parameter.opts} | {"--help"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_have_the_options_that_are_shown(page: Path) -> None:
    code = "\n".join(re.findall(r"^```(?:\w+)?\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL))
    for line in COMMAND.findall(code):
        for one in re.findall(r"\bweft ([^&|;]+)", line):
            shown = set(re.findall(r"(?<!\S)--[\w-]+", one))
            assert shown <= options(one.split()), one


def test_the_first_recipe_is_valid(
    weft: Callable[..., tuple[int, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = re.search(r"```yaml\n(# my\.yaml\n.*?)```", (ROOT / "docs/speech.md").read_text("utf-8"), re.DOTALL)
    assert recipe
    Path("my.yaml").write_text(recipe[1])
    for folder in ("my-recordings", "my-texts"):
        Path(folder).mkdir()
    code, output, errors = weft("validate", "my.yaml")
    assert (code, errors) == (0, "") and "the recipe is valid" in output


def whole_recipes() -> list[tuple[str, str]]:
    """The recipes that pages show whole, each with its page."""
    blocks = [
        (page.name, block)
        for page in PAGES
        for block in re.findall(r"```yaml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    ]
    return [
        (page, block) for page, block in blocks if re.search(r"^name:", block, re.MULTILINE) and "\ntraining:" in block
    ]


@pytest.mark.parametrize(("page", "recipe"), whole_recipes(), ids=lambda value: value if value.endswith(".md") else "")
def test_the_models_of_whole_recipes_hold_their_context(page: str, recipe: str, tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(recipe)
    read = read_pipeline(str(tmp_path / "recipe.yaml")).recipe
    check_models(read, read.training)
