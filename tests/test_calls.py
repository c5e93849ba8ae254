"""Calls with many arguments say by keyword what their values are, unless the values are called so anyway."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("schemas", "tokenizers", "pipelines", "trainer", "jobs")
MANY = 5  # positional arguments
PLAIN = 3  # of them may be anything: a reader keeps as many in mind

Parameters = dict[str, list[list[str]]]  # of the functions of each name


def _parameters(function: ast.FunctionDef) -> list[str]:
    names = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
    return names[1:] if names[:1] in (["self"], ["cls"]) else names


def _is_compiled(function: ast.FunctionDef) -> bool:
    return any("njit" in ast.unparse(decorator) for decorator in function.decorator_list)


def _functions(tree: ast.Module) -> Iterator[tuple[str, list[str]]]:
    """Those that take a fixed number of arguments; numba's loops, which hand on all that they have, are left out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and not node.args.vararg and not _is_compiled(node):
            yield node.name, _parameters(node)


def _name(value: ast.expr) -> str:
    """How a value is called: `leaf` in `leaf`, `self.leaf`, `_leaf` and `self.leaf()`."""
    value = value.func if isinstance(value, ast.Call) else value
    return (value.attr if isinstance(value, ast.Attribute) else getattr(value, "id", "")).strip("_")


def _says_what(call: ast.Call, parameters: list[str]) -> bool:
    return all(_name(value) == name for value, name in list(zip(call.args, parameters, strict=False))[PLAIN:])


def _unclear(tree: ast.Module, known: Parameters) -> Iterator[tuple[int, str]]:
    """Line and name of each call with many positional arguments of which one from the fourth on is not called as its parameter."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call) and len(node.args) >= MANY):
        name = ast.unparse(call.func).rpartition(".")[2]
        fitting = [one for one in known.get(name, []) if len(one) >= len(call.args)]
        if fitting and not any(_says_what(call, one) for one in fitting):
            yield call.lineno, name


def test_a_call_with_many_arguments_names_them() -> None:
    files = (path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")))
    trees = {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text()) for path in files}
    known: Parameters = {}
    for tree in trees.values():
        for name, parameters in _functions(tree):
            known.setdefault(name, []).append(parameters)
    assert len(known) > 1000
    unclear = [f"{path}:{line} {name}" for path, tree in trees.items() for line, name in _unclear(tree, known)]
    assert not unclear, unclear


@pytest.mark.parametrize(
    ("call", "is_clear"),
    [
        ("fit(model, loss, 3, 0.1, state)", False),
        ("fit(model, loss, 3, lr, state)", True),
        ("fit(model, loss, 3, self._lr, run.state())", True),
        ("fit(model, loss, 3, lr=0.1, state=None)", True),
        ("fit(model, loss, 3, state, lr)", False),
        ("fit(model, loss, 3, 0.1)", True),
    ],
)
def test_what_is_clear(call: str, is_clear: bool) -> None:
    known = {"fit": [["module", "loss_of", "steps", "lr", "state"]]}
    assert [*_unclear(ast.parse(call), known)] == ([] if is_clear else [(1, "fit")])
