"""The base of everything a recipe can say: strict, frozen pydantic models, and which of their settings count in a fingerprint.

    class Aligner(Versioned):
        min_score: float = -3.0
        device: Annotated[str, NOT_IN_FINGERPRINT] = "cpu"        # where and how fast: what is made is the same
        model: Annotated[str, CHECKPOINT] = ""              # a place too; what lies there counts by its content

    Aligner(device="cuda").fingerprint_settings()  ->  {"min_score": -3.0}

A key that is not a field is refused, so a misspelt setting never passes for a default.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, reduce
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

FILE_MODULES = "weft_file_"  # begins the names of modules of files that a recipe names: weft_file_NAME_CHECKSUM


@dataclass(frozen=True, slots=True)
class SettingKind:
    """What marks a setting whose value does not count in a fingerprint. `is_checkpoint`: it is a path or a hub name
    (`hf://org/name`), and the content of that counts instead.

    With `has_names` it may be a single word too, which its own library knows, such as `large-v3`.
    """

    is_checkpoint: bool = False
    has_names: bool = False


# of an optimiser: no model learns at a rate near the bound, and AdamW cannot compute with a much larger one
Rate = Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)]
NOT_IN_FINGERPRINT = SettingKind()
CHECKPOINT = SettingKind(is_checkpoint=True)
NAMED_CHECKPOINT = SettingKind(is_checkpoint=True, has_names=True)


class Settings(BaseModel):
    """Frozen settings; unknown keys are errors. Working state goes into private attributes."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    def fingerprint_settings(self) -> dict[str, Any]:
        """The settings that count in a fingerprint, as JSON has them: at any depth without those that are marked."""
        dumped = self.model_dump(mode="json", include=_unmarked(type(self)))
        return {name: _pruned(getattr(self, name), value) for name, value in dumped.items()}

    def checkpoint_settings(self) -> Iterator[tuple[str, str]]:
        """Every checkpoint that is named, by the path to its setting, such as `tokenizer.model`."""
        for name in type(self).model_fields:
            value, kind = getattr(self, name), _kind_of(self, name)
            if kind and kind.is_checkpoint and value:
                yield name, str(value)
            elif isinstance(value, Settings):
                yield from ((f"{name}.{inner}", at) for inner, at in value.checkpoint_settings())

    def paths_and_hub_names(self) -> Iterator[tuple[str, str]]:
        """The same without words that a library of its own knows."""
        for path, value in self.checkpoint_settings():
            *parents, name = path.split(".")
            owner = reduce(getattr, parents, self)
            if not (_kind_of(owner, name) or NOT_IN_FINGERPRINT).has_names or re.search(r"[/\\]", value):
                yield path, value


class Versioned(Settings):
    """A backend that a recipe chooses by `use`."""

    _name: str = PrivateAttr("")

    def give_name(self, name: str) -> None:
        """Gives it the name that records and messages have: the recipe's `use`, a file's without its folder."""
        self._name = name

    @property
    def called(self) -> str:
        """The name that was given, such as `sphinx` or `my_aligner.py`; that of its module where none was."""
        return self._name or type(self).__module__.rpartition(".")[2]

    @property
    def backend_name(self) -> str:
        """The name of its module, for fingerprints; of one that is not weft's own, with its package, and a file's with its checksum."""
        module = type(self).__module__
        return module.rpartition(".")[2] if module.startswith("weft.") else module

    def version(self) -> str:
        """What, besides the settings, decides what it makes; a backend raises it whenever it makes something else of the same."""
        return "1"


@cache
def _unmarked(kind: type[Settings]) -> set[str]:
    """The names of the settings of a class that are not marked."""
    return {
        name for name, field in kind.model_fields.items() if not any(isinstance(m, SettingKind) for m in field.metadata)
    }


def _kind_of(settings: Settings, name: str) -> SettingKind | None:
    return next((m for m in type(settings).model_fields[name].metadata if isinstance(m, SettingKind)), None)


def _pruned(value: Any, dumped: Any) -> Any:
    """`dumped` with only those settings of every Settings in `value` that count in a fingerprint."""
    if isinstance(value, Settings):
        return value.fingerprint_settings()
    if isinstance(value, dict):
        return {key: _pruned(inner, dumped[str(key)]) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_pruned(one, other) for one, other in zip(value, dumped, strict=True)]
    return dumped
