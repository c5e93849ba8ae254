"""Reading a recipe: YAML, `extends:`, overrides, and errors that name the line.

    load("recipes/demo.yaml", ["part_size=50", "training.pretrain.optimiser.steps=20"])

`extends: other.yaml` (beside the file, or a shipped recipe's name) starts from that recipe; a mapping is merged key by
key and `null` removes a key. A mapping whose `use:` changes is replaced whole, since its settings belong to another backend.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from weft.schemas.faults import RecipeError
from weft.schemas.recipe import Recipe

_LARGEST = 100_000  # values: a recipe has some hundreds, and nested aliases unfold to billions
_LONGEST = 1 << 22  # characters
_NEEDED = {
    "sources": "use",
    "tokenizers": "use",
    "streams": "of",
    "tasks": "use",
    "training": "mixture",
}  # by every entry
_PLAIN = {
    "extra_forbidden": "no such setting; check its spelling",
    "missing": "this has to be given",
    "tuple_type": "a list is wanted, such as [1, 2]",
    "list_type": "a list is wanted, such as [1, 2]",
    "dict_type": "a mapping is wanted, such as {name: value}",
    "too_few_values": "the list has too few values",
}
Lines = dict[tuple[str, ...], str]


class _Loader(yaml.SafeLoader):
    """SafeLoader that also reads 1e6 as the number it is (YAML 1.1 wants 1.0e+6)."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"^[-+]?(\d[\d_]*)(\.\d*)?([eE][-+]?\d+)$|^[-+]?\d+\.\d*$|^[-+]?\.\d+$|^[-+]?\.(inf|Inf)$|^\.(nan|NaN)$"
    ),
    list("-+0123456789."),
)


@dataclass(frozen=True)
class RecipeText:
    """A recipe's raw mapping and, for each key path, the file and line it was written on.

    `faults` are sentences on what the mapping cannot hold: keys that are given twice, and overrides that are not `key=value`.
    """

    mapping: dict[str, Any]
    lines: Lines
    faults: tuple[str, ...] = ()

    def where(self, path: Sequence[Any]) -> str:
        """`file.yaml line 12` for the longest part of `path` that was written down."""
        words = tuple(map(str, path))
        while words and words not in self.lines:
            words = words[:-1]
        return self.lines.get(words, "the recipe")

    def extend(self, child: "RecipeText") -> "RecipeText":
        """The child's keys over these. What a list or a value of the child replaces has the child's line, with all that lay below."""
        values = {path for path in child.lines if not isinstance(_at(child.mapping, path), dict)}
        kept = {
            path: line for path, line in self.lines.items() if not any(path[:i] in values for i in range(1, len(path)))
        }
        return RecipeText(
            mapping=_merge(self.mapping, child.mapping),
            lines={**kept, **child.lines},
            faults=(*self.faults, *child.faults),
        )


def load(path: str, overrides: Sequence[str] = ()) -> Recipe:
    """The validated recipe. Raises RecipeError with one sentence a fault."""
    return check(read(path, overrides))


def read(path: str, overrides: Sequence[str] = ()) -> RecipeText:
    """The merged mapping of a recipe, its ancestors and the overrides, not yet checked."""
    return _changed(_read(_find(path, None), ()), overrides)


def from_mapping(mapping: dict[str, Any], overrides: Sequence[str] = ()) -> RecipeText:
    """A recipe that no file holds, with overrides."""
    return _changed(RecipeText(mapping, {(): "the command line"}), overrides)


def _changed(source: RecipeText, overrides: Sequence[str]) -> RecipeText:
    before = source.mapping
    for override in overrides:
        try:
            source = source.extend(_override(override))
        except RecipeError as fault:
            source = replace(source, faults=(*source.faults, str(fault)))
    return _without_misspelt(source, before)


def _without_misspelt(source: RecipeText, before: dict[str, Any]) -> RecipeText:
    """Refuses entries that overrides of single settings would make, such as `training.pretrian.context=4`."""
    mapping, faults = dict(source.mapping), list(source.faults)
    for section, needed in _NEEDED.items():
        known, entries = before.get(section) or {}, mapping.get(section)
        if isinstance(known, dict) and isinstance(entries, dict):
            new = sorted(entries.keys() - known.keys())
            misspelt = [name for name in new if isinstance(entries[name], dict) and needed not in entries[name]]
            has = f"it has {', '.join(sorted(known))}" if known else "it has none"
            faults += [
                f"{source.where((section, name))}: the recipe has no {section}.{name}; {has}" for name in misspelt
            ]
            mapping[section] = {name: entry for name, entry in entries.items() if name not in misspelt}
    return replace(source, mapping=mapping, faults=tuple(faults))


def check(source: RecipeText) -> Recipe:
    """The recipe. Raises RecipeError with one sentence a fault."""
    wrong = list(source.faults)
    try:
        recipe = Recipe.model_validate(source.mapping)
    except ValidationError as error:
        wrong += [explain(source, key_path(e["loc"]), e["msg"], e["type"]) for e in error.errors()]
    if wrong:
        raise RecipeError("\n".join(wrong))
    return recipe


def key_path(place: Sequence[Any]) -> tuple[str, ...]:
    """The keys in a recipe that lead to pydantic's place of an error: that has the name of the chosen objective too."""
    keys = tuple(map(str, place))
    return (*keys[:3], *keys[4:]) if keys[:1] == ("training",) and keys[2:3] == ("objective",) else keys


def explain(source: RecipeText, path: Sequence[Any], message: str, kind: str = "") -> str:
    """One fault as `file.yaml line 3: sources.speech: what is wrong`."""
    if kind == "missing" and str(path[-1]).isdigit():
        kind, path = "too_few_values", path[:-1]
    wrong = _PLAIN.get(kind) or message.removeprefix("Value error, ")
    named = re.match(r"([a-z][\w-]*(?:\.[\w-]+)+): ", wrong)
    if named and not path:
        path, wrong = named[1].split("."), wrong[named.end() :]
    spot = ".".join(map(str, path))
    return f"{source.where(path)}: {spot + ': ' if spot else ''}{wrong[0].lower() + wrong[1:]}"


def _find(path: str, beside: Path | None) -> Path:
    shipped = Path(str(files("weft"))) / "recipes"
    for folder in filter(None, (beside, Path(), shipped)):
        for name in (path, path + ".yaml"):
            if (folder / name).is_file():
                return folder / name
    names = ", ".join(sorted(p.stem for p in shipped.glob("*.yaml")))
    raise RecipeError(f"{path}: no such recipe file; the shipped recipes are {names}")


def _read(path: Path, seen: tuple[Path, ...]) -> RecipeText:
    if path.resolve() in seen:
        raise RecipeError(f"{path}: `extends:` goes in a circle")
    source = _parse(path.name, _text(path))
    _locate_files(source.mapping, path.parent)
    parent = source.mapping.pop("extends", None)
    if parent is None:
        return source
    if not isinstance(parent, str):
        raise RecipeError(f"{source.where(('extends',))}: `extends:` takes the name of one recipe")
    return _read(_find(parent, path.parent), (*seen, path.resolve())).extend(source)


def _text(path: Path) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(_LONGEST + 1)
        if len(text) > _LONGEST:
            raise RecipeError(f"{path}: it has more than {_LONGEST:,} characters, so it is no recipe")
        return text
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: cannot be read as UTF-8 text ({error})") from None


def _parse(name: str, text: str) -> RecipeText:
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


def _override(text: str) -> RecipeText:
    key, sign, value = text.partition("=")
    if not sign or not key:
        raise RecipeError(f"override {text!r}: write it as key=value, such as part_size=100")
    try:
        _check_size(yaml.compose(value, _Loader), f"override of {key}")
        mapping: Any = yaml.load(value, _Loader)
    except yaml.YAMLError:
        raise RecipeError(f"override {text!r}: the value is not YAML") from None
    path = tuple(key.split("."))
    for word in reversed(path):
        mapping = {word: mapping}
    _locate_files(mapping, Path())
    return RecipeText(mapping, {path[: i + 1]: f"override {text!r}" for i in range(len(path))})


def _locate_files(value: Any, folder: Path) -> None:
    """Python files that `use:` names lie beside the recipe: makes their paths absolute, in place."""
    if isinstance(value, dict):
        if isinstance(use := value.get("use"), str) and use.endswith(".py"):
            value["use"] = str((folder / use).absolute())
        value = list(value.values())
    for one in value if isinstance(value, list) else ():
        _locate_files(one, folder)


def _at(value: Any, path: Sequence[str]) -> Any:
    """The value at a path of keys, None below a list or a value."""
    for word in path:
        value = value.get(word) if isinstance(value, dict) else None
    return value


def _merge(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    if "use" in old and "use" in new and new["use"] != old["use"]:  # another backend: only what both have stays
        return {**{key: old[key] for key in ("sources",) if key in old}, **new}
    merged = dict(old)
    for key, value in new.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = _merge(merged[key], value)
        elif value is None:
            merged.pop(key, None)
        else:
            merged[key] = value
    return merged
