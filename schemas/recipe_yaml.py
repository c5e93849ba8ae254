"""YAML as recipes are written in: with the line of each key, and within a size.

parse("my.yaml", text)                RecipeText(mapping={"name": "demo", …}, lines={("name",): "my.yaml line 1", …})
value_of("[1, 2]", "override of x")   [1, 2]
"""

import re
from typing import Any

import yaml

from weft.schemas.faults import RecipeError
from weft.schemas.recipe_text import Lines, RecipeText

_LARGEST = 100_000  # values: a recipe has some hundreds, and nested aliases unfold to billions


class _Loader(yaml.SafeLoader):
    """SafeLoader that also reads 1e6 as the number it is (YAML 1.1 wants 1.0e+6)."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"^[-+]?(\d[\d_]*)(\.\d*)?([eE][-+]?\d+)$|^[-+]?\d+\.\d*$|^[-+]?\.\d+$|^[-+]?\.(inf|Inf)$|^\.(nan|NaN)$"
    ),
    list("-+0123456789."),
)


def parse(name: str, text: str) -> RecipeText:
    """The recipe in the text of the file `name`. Raises RecipeError, with the line."""
    try:
        node = yaml.compose(text, _Loader)
        _check_size(node, name)
        mapping = yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        raise RecipeError(f"{name}{line}: not YAML ({getattr(error, 'problem', error)})") from None
    if not isinstance(mapping, dict):
        raise RecipeError(f"{name}: a recipe is a mapping of settings, such as `name: demo`")
    marks = _Marks(name)
    marks.note(node, ())
    return RecipeText(mapping, marks.lines, tuple(dict.fromkeys(marks.duplicates)))


def value_of(text: str, name: str) -> Any:
    """A value that stands alone. Raises yaml.YAMLError, and RecipeError for one that is too large."""
    _check_size(yaml.compose(text, _Loader), name)
    return yaml.load(text, _Loader)


def _check_size(node: yaml.Node | None, name: str) -> None:
    """Raises RecipeError."""
    if _size(node, {}) > _LARGEST:
        raise RecipeError(f"{name}: its aliases unfold to more than {_LARGEST:,} values")


def _size(node: yaml.Node | None, known: dict[int, int]) -> int:
    """How many values a node holds where every alias is written out. Raises RecursionError for one that holds itself."""
    if node is None or isinstance(node, yaml.ScalarNode):
        return 1
    if id(node) not in known:
        inner = node.value if isinstance(node, yaml.SequenceNode) else [one for pair in node.value for one in pair]
        known[id(node)] = 1 + sum(_size(one, known) for one in inner)
    return known[id(node)]


class _Marks:
    """The lines of a file's keys, and a sentence for each key that is given twice."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.lines: Lines = {}
        self.duplicates: list[str] = []

    def note(self, node: yaml.Node | None, path: tuple[str, ...]) -> None:
        if isinstance(node, yaml.MappingNode):
            self._note_mapping(node, path)
        elif isinstance(node, yaml.SequenceNode):
            for i, value in enumerate(node.value):
                self.lines[(*path, str(i))] = self._place(value)
                self.note(value, (*path, str(i)))

    def _note_mapping(self, node: yaml.MappingNode, path: tuple[str, ...]) -> None:
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                self.duplicates.append(f"{self._place(key)}: `{key.value}` is given twice")
            seen.add(key.value)
            self.lines[(*path, key.value)] = self._place(key)
            self.note(value, (*path, key.value))

    def _place(self, node: yaml.Node) -> str:
        return f"{self._name} line {node.start_mark.line + 1}"
