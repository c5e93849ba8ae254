"""The faults of each backend that a recipe chooses, whatever else is wrong with the recipe.

    tokenizers: {hubert: {use: hubrt, sources: 3}}   ->   tokenizers.hubert.use: unknown tokenizer 'hubrt'; …

A check of the whole recipe removes a section with a mistake, and would hide the section's other mistakes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pydantic import ValidationError

from weft.jobs.checks.faults import Fault, KeyPath, keys_at, value_at
from weft.jobs.checks.removal import all_faults
from weft.pipelines.choices.registry import ChoiceError, make
from weft.schemas.recipe import Choice, Recipe
from weft.schemas.recipe_sections import TaskChoice, TokenizerChoice, TrainedChoice

_GIVEN = {"tasks": {"sources": ("any",), "split": "train"}}  # what a backend gets from the recipe besides its settings


@dataclass(frozen=True)
class _Place:
    """Where a backend is chosen, the folder that it is in, and the class of the choice, whose own keys are not the backend's."""

    path: KeyPath
    folder: str
    kind: type[Choice]


def choice_faults(mapping: dict[str, Any]) -> Iterator[Fault]:
    """The faults of the settings of every chosen backend, and of its name."""
    for place in _places(mapping):
        section = value_at(mapping, place.path)
        if isinstance(section, dict):
            for fault in all_faults(section, partial(_check, place)):
                yield replace(fault, path=(*place.path, *fault.path))


def _places(mapping: dict[str, Any]) -> Iterator[_Place]:
    for section, kind in (("sources", Choice), ("tokenizers", TokenizerChoice), ("tasks", TaskChoice)):
        for name in keys_at(mapping, (section,)):
            yield _Place(path=(section, name), folder=section, kind=kind)
    alone = {"segment": "segmenters", "transcribe": "transcribers", "synthesize": "voices"}
    for section, folder in {**alone, "encoder": "encoders", "image_encoder": "image_encoders"}.items():
        yield _Place(path=(section,), folder=folder, kind=Choice)
    for section, folder in (("align", "aligners"), ("text", "tokenizers")):
        yield _Place(path=(section,), folder=folder, kind=TrainedChoice)


def _check(place: _Place, section: dict[str, Any]) -> Sequence[Fault]:
    use = section.get("use", _default(place))
    is_elsewhere = section.get("folder") or isinstance(section.get("template"), str)  # settings that lie elsewhere
    if not isinstance(use, str) or is_elsewhere or use == "none":
        return []
    settings = {key: value for key, value in section.items() if key not in place.kind.model_fields}
    try:
        make(place.folder, Choice.model_validate({**settings, "use": use}), **_GIVEN.get(place.folder, {}))
    except ChoiceError as fault:
        return [Fault(path=tuple(map(str, fault.path)), message=fault.message, kind=fault.kind)]
    except ValidationError:  # a key that is no text: a fault of the recipe, not of a backend
        return []
    return []


def _default(place: _Place) -> str | None:
    """The backend that a section has unless it names another."""
    default = Recipe.model_fields[place.path[0]].default
    return default.use if isinstance(default, Choice) else None
