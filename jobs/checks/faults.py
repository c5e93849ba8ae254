"""One fault of a recipe, and what its message names.

    Fault(path=("tasks", "words", "sources"), message="'spech' is not declared; there are speech").quoted  ->  {"spech"}

Messages quote a name of the recipe's own ('spech') and put a setting between backquotes (`schedule: cosine`).
"""

import re
from dataclasses import dataclass
from typing import Any

KeyPath = tuple[str, ...]
_QUOTED = re.compile(r"'([^']+)'")
_SETTING = re.compile(r"`(\w+)")
_PLACE = re.compile(r"(?:Value error, )?([a-z][\w-]*(?:\.[\w-]+)+): ")
NAMED = ("sources", "tokenizers", "tasks", "training")  # the sections that declare names
RULE = "value_error"  # pydantic's kind of a fault that a rule of weft's own found


@dataclass(frozen=True, slots=True)
class Fault:
    """`path` leads to the key; a check of several sections has the path in its message. `kind` is pydantic's."""

    path: KeyPath
    message: str
    kind: str = ""

    @property
    def place(self) -> KeyPath:
        named = None if self.path else _PLACE.match(self.message)
        return tuple(named[1].split(".")) if named else self.path

    @property
    def quoted(self) -> set[str]:
        return set(_QUOTED.findall(self.message))

    @property
    def wrong_names(self) -> set[str]:
        """The quoted names that are wrong; those after a semicolon are suggestions."""
        return set(_QUOTED.findall(self.message.partition(";")[0]))

    @property
    def settings(self) -> tuple[str, ...]:
        return tuple(_SETTING.findall(self.message))


def begins(path: KeyPath, start: KeyPath) -> bool:
    return path[: len(start)] == start


def value_at(mapping: Any, path: KeyPath) -> Any:
    """What lies at a path of a mapping; None where nothing does."""
    for key in path:
        if isinstance(mapping, dict):
            mapping = mapping.get(key)
        elif isinstance(mapping, list) and key.isdigit() and int(key) < len(mapping):
            mapping = mapping[int(key)]
        else:
            return None
    return mapping


def keys_at(mapping: Any, path: KeyPath) -> tuple[str, ...]:
    section = value_at(mapping, path)
    return tuple(map(str, section)) if isinstance(section, dict) else ()
