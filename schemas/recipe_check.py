"""From the text of a recipe to the record, or to sentences that say what is wrong and on which line.

check(source)                                           Recipe(name="demo", …)
explain(source, ("sources", "speech"), "no such kind")  "my.yaml line 3: sources.speech: no such kind"
"""

import re
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from weft.schemas.faults import RecipeError
from weft.schemas.recipe import Recipe
from weft.schemas.recipe_text import RecipeText

_PLAIN = {
    "extra_forbidden": "no such setting; check its spelling",
    "missing": "this has to be given",
    "tuple_type": "a list is wanted, such as [1, 2]",
    "list_type": "a list is wanted, such as [1, 2]",
    "dict_type": "a mapping is wanted, such as {name: value}",
    "too_few_values": "the list has too few values",
}


def check(source: RecipeText) -> Recipe:
    """The recipe. Raises RecipeError with one sentence a fault."""
    wrong = list(source.faults)
    try:
        recipe = Recipe.model_validate(source.mapping)
    except ValidationError as error:
        wrong += [explain(source, key_path(e["loc"]), e["msg"], kind=e["type"]) for e in error.errors()]
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
