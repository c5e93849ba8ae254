"""Names that are no names, and names that a recipe uses and nowhere declares.

    tasks: {words: {sources: [spech]}}   ->   tasks.words.sources: 'spech' is not declared; there are speech

Searched in the whole mapping, because a section with a mistake is removed before its names are resolved.
"""

from collections.abc import Iterator
from typing import Any

from weft.jobs.checks.faults import NAMED, Fault, KeyPath, keys_at, value_at
from weft.schemas.recipe_sections import check_name


def unfit_names(mapping: dict[str, Any]) -> Iterator[Fault]:
    """A fault for each declared name that cannot be one."""
    for section in NAMED:
        for name in keys_at(mapping, (section,)):
            try:
                check_name(name)
            except ValueError as fault:
                yield Fault(path=(section,), message=str(fault))


def undeclared_names(mapping: dict[str, Any]) -> Iterator[Fault]:
    """A fault for each name that is not among those declared; none where nothing is declared."""
    for path, names, declared in _references(mapping):
        for name in names if isinstance(names, list) and declared else ():
            if isinstance(name, str) and name not in declared:
                message = f"{name!r} is not declared; there are {', '.join(declared)}"
                yield Fault(path=path, message=message)


def _references(mapping: dict[str, Any]) -> Iterator[tuple[KeyPath, Any, tuple[str, ...]]]:
    """Where names are used, the names, and those that are declared."""
    sources, tasks, stages = (keys_at(mapping, (section,)) for section in ("sources", "tasks", "training"))
    users = [(section, name) for section in ("tasks", "tokenizers") for name in keys_at(mapping, (section,))]
    for user in (*users, ("text",), ("align",)):
        yield (*user, "sources"), value_at(mapping, (*user, "sources")), sources
    for stage in stages:
        mixture = ("training", stage, "mixture")
        amounts = [name for part in ("shares", "budgets") for name in keys_at(mapping, (*mixture, part))]
        yield mixture, amounts, tasks
        yield (*mixture, "after"), value_at(mapping, (*mixture, "after")), stages
