"""`weft validate`: all mistakes in a recipe at once, each with its line.

    mistakes(source).wrong   ->   ("my.yaml line 3: sede: no such setting; check its spelling", …)

The checks are in `checks/`: names that nothing declares, each chosen backend alone, the recipe as a whole, missing paths.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from weft.jobs.checks.choices import choice_faults
from weft.jobs.checks.faults import Fault
from weft.jobs.checks.missing import missing_bases, missing_paths
from weft.jobs.checks.references import undeclared_names, unfit_names
from weft.jobs.checks.removal import all_faults
from weft.pipelines.choices.recipe_faults import RecipeFault
from weft.pipelines.graph import Pipeline
from weft.schemas.recipe import Recipe
from weft.schemas.recipe_check import explain, key_path
from weft.schemas.recipe_text import RecipeText


@dataclass(frozen=True)
class Mistakes:
    """Sentences in the order of their lines: mistakes, and missing files and folders."""

    wrong: tuple[str, ...]
    missing: tuple[str, ...]


def mistakes(source: RecipeText, kind: type[Pipeline] = Pipeline) -> Mistakes:
    """All mistakes of a recipe. Raises RecursionError for a recipe that contains itself."""
    checked = _Whole(kind)
    faults = list(_faults(source.mapping, checked))
    wrong = [explain(source, fault.path, fault.message, kind=fault.kind) for fault in faults]
    missing = [*missing_bases(source.mapping), *(missing_paths(checked.pipeline) if checked.pipeline else ())]
    absent = [explain(source, fault.path, fault.message, kind=fault.kind) for fault in missing]
    return Mistakes(wrong=_in_order([*source.faults, *wrong]), missing=_in_order(absent))


def _faults(mapping: dict[str, Any], checked: "_Whole") -> Iterator[Fault]:
    undeclared = list(undeclared_names(mapping))
    of_whole = list(all_faults(mapping, checked, undeclared))
    yield from (*unfit_names(mapping), *undeclared, *of_whole)
    if undeclared or of_whole:  # a valid recipe has valid backends
        yield from choice_faults(mapping)


class _Whole:
    """The check of a whole recipe, which keeps the backends of the last valid one."""

    def __init__(self, kind: type[Pipeline]) -> None:
        self._kind = kind
        self.pipeline: Pipeline | None = None

    def __call__(self, mapping: dict[str, Any]) -> Sequence[Fault]:
        try:
            pipeline = self._kind(Recipe.model_validate(mapping))
            pipeline.check()
        except ValidationError as error:
            return [Fault(path=key_path(e["loc"]), message=e["msg"], kind=e["type"]) for e in error.errors()]
        except RecipeFault as fault:
            return [Fault(path=fault.path, message=fault.message, kind=fault.kind)]
        self.pipeline = pipeline
        return []


def _in_order(sentences: list[str]) -> tuple[str, ...]:
    return tuple(sorted(dict.fromkeys(sentences), key=_line))


def _line(sentence: str) -> tuple[str, int]:
    match = re.match(r"(.+?) line (\d+):", sentence)
    return (match[1], int(match[2])) if match else ("", 0)
