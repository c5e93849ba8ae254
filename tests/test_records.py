"""Records and other objects are built by keyword: a reader must not count positions to know what a value is."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from weft.schemas.recipe import Recipe
from weft.schemas.settings import Settings

ROOT = Path(__file__).parents[1]
ROOMS = ("schemas", "outside", "tokenizers", "pipelines", "trainer", "jobs", "benchmarks", "tests")
MOST = 3  # positional arguments of a constructor


def _calls(tree: ast.Module, classes: set[str]) -> Iterator[tuple[int, str]]:
    """Line and name of each object that is built from too many positional arguments, or from a `*`, which hides how many."""
    for node in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = ast.unparse(node.func).rpartition(".")[2]
        has_star = any(isinstance(argument, ast.Starred) for argument in node.args)
        if name in classes and (has_star or len(node.args) > MOST):
            yield node.lineno, name


@pytest.fixture(scope="module")
def trees() -> dict[str, ast.Module]:
    """Each module of weft, each benchmark and each test, by its path."""
    files = (path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")))
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text()) for path in files}


def test_objects_are_built_by_keyword(trees: dict[str, ast.Module]) -> None:
    classes = {node.name for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    assert len(classes) > 300
    positional = [f"{path}:{line} {name}" for path, tree in trees.items() for line, name in _calls(tree, classes)]
    assert not positional, positional


@pytest.mark.parametrize("call", ["Row(1, 2, 3, 4)", "rows.Row(1, 2, 3, 4)", "Row(*values)"])
def test_a_positional_constructor_is_found(call: str) -> None:
    assert [*_calls(ast.parse(call), {"Row"})] == [(1, "Row")]
    assert not [*_calls(ast.parse("Row(1, 2, 3, d=4), other(1, 2, 3, 4)"), {"Row"})]


def test_every_key_of_a_recipe_is_read(trees: dict[str, ast.Module]) -> None:
    """A key that nothing reads is taken and does nothing. Its validators read it as an argument, so they do not count."""
    code = [tree for path, tree in trees.items() if not path.startswith(("benchmarks/", "tests/"))]
    read = {node.attr for tree in code for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    keys = {f"{kind.__name__}.{key}" for kind in _sections(Recipe) for key in kind.model_fields}
    assert len(keys) > 80
    assert not sorted(key for key in keys if key.partition(".")[2] not in read)


def _sections(kind: type[Settings]) -> set[type[Settings]]:
    """The settings that a recipe is made of, itself among them; those of backends are their own."""
    found, new = {kind}, {kind}
    while new:
        new = {
            inner for outer in new for field in outer.model_fields.values() for inner in _settings_in(field.annotation)
        }
        new -= found
        found |= new
    return found


def _settings_in(annotation: Any) -> set[type[Settings]]:
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        return {annotation}
    return {inner for part in get_args(annotation) for inner in _settings_in(part)}
