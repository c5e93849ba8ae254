"""Records are built by keyword: a reader must not count positions to know what a value is."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("schemas", "outside", "tokenizers", "pipelines", "trainer", "jobs", "benchmarks", "tests")
MOST = 3  # positional arguments of a record


def _is_record(node: ast.AST) -> TypeGuard[ast.ClassDef]:
    """Whether it defines a dataclass."""
    if not isinstance(node, ast.ClassDef):
        return False
    decorators = (d.func if isinstance(d, ast.Call) else d for d in node.decorator_list)
    return any(ast.unparse(d).rpartition(".")[2] == "dataclass" for d in decorators)


def _calls(tree: ast.Module, records: set[str]) -> Iterator[tuple[int, str]]:
    """Line and name of each record that is built from too many positional arguments, or from a `*`, which hides how many."""
    for node in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = ast.unparse(node.func).rpartition(".")[2]
        has_star = any(isinstance(argument, ast.Starred) for argument in node.args)
        if name in records and (has_star or len(node.args) > MOST):
            yield node.lineno, name


@pytest.fixture(scope="module")
def trees() -> dict[str, ast.Module]:
    """Each module of weft, each benchmark and each test, by its path."""
    files = (path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")))
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text()) for path in files}


def test_records_are_built_by_keyword(trees: dict[str, ast.Module]) -> None:
    records = {node.name for tree in trees.values() for node in ast.walk(tree) if _is_record(node)}
    assert len(records) > 100
    positional = [f"{path}:{line} {name}" for path, tree in trees.items() for line, name in _calls(tree, records)]
    assert not positional, positional


@pytest.mark.parametrize("call", ["Row(1, 2, 3, 4)", "rows.Row(1, 2, 3, 4)", "Row(*values)"])
def test_a_positional_record_is_found(call: str) -> None:
    assert [*_calls(ast.parse(call), {"Row"})] == [(1, "Row")]
    assert not [*_calls(ast.parse("Row(1, 2, 3, d=4), other(1, 2, 3, 4)"), {"Row"})]
