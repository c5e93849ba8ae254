"""Overrides of a recipe, as a command line gives them: `part_size=50 training.pretrain.optimiser.steps=20`."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from weft.schemas.faults import RecipeError
from weft.schemas.recipe_text import RecipeText, locate_files
from weft.schemas.recipe_yaml import value_of

_NEEDED = {
    "sources": "use",
    "tokenizers": "use",
    "streams": "of",
    "tasks": "use",
    "training": "mixture",
}  # by every entry


def overridden(source: RecipeText, overrides: Sequence[str]) -> RecipeText:
    """The recipe with these settings; what is wrong with one is among the faults."""
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


def _override(text: str) -> RecipeText:
    """Raises RecipeError."""
    key, sign, value = text.partition("=")
    if not sign or not key:
        raise RecipeError(f"override {text!r}: write it as key=value, such as part_size=100")
    try:
        mapping = value_of(value, f"override of {key}")
    except yaml.YAMLError:
        raise RecipeError(f"override {text!r}: the value is not YAML") from None
    path = tuple(key.split("."))
    for word in reversed(path):
        mapping = {word: mapping}
    locate_files(mapping, Path())
    return RecipeText(mapping, {path[: i + 1]: f"override {text!r}" for i in range(len(path))})
