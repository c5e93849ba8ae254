"""The text of a recipe as a mapping, with the file and line of each key.

source.where(("sources", "speech", "path"))    "my.yaml line 4"
parent.extend(child)                           the keys of `child` over those of `parent`, key by key
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Lines = dict[tuple[str, ...], str]


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


def locate_files(value: Any, folder: Path) -> None:
    """Python files that `use:` names lie beside the recipe: makes their paths absolute, in place."""
    if isinstance(value, dict):
        if isinstance(use := value.get("use"), str) and use.endswith(".py"):
            value["use"] = str((folder / use).absolute())
        value = list(value.values())
    for one in value if isinstance(value, list) else ():
        locate_files(one, folder)


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
