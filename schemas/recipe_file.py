"""Reading the files of a recipe: the one that is named, those that it extends, and overrides of their settings.

    load("recipes/demo.yaml", ["part_size=50", "training.pretrain.optimiser.steps=20"])

`extends: other.yaml` (beside the file, or a shipped recipe's name) starts from that recipe; a mapping is merged key by
key and `null` removes a key. A mapping whose `use:` changes is replaced whole, since its settings belong to another backend.
"""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from weft.schemas.faults import RecipeError
from weft.schemas.recipe import Recipe
from weft.schemas.recipe_check import check
from weft.schemas.recipe_overrides import overridden
from weft.schemas.recipe_text import RecipeText, locate_files
from weft.schemas.recipe_yaml import parse

_LONGEST = 1 << 22  # characters


def load(path: str, overrides: Sequence[str] = ()) -> Recipe:
    """The validated recipe. Raises RecipeError with one sentence a fault."""
    return check(read(path, overrides))


def read(path: str, overrides: Sequence[str] = ()) -> RecipeText:
    """The merged mapping of a recipe, its ancestors and the overrides, not yet checked."""
    return overridden(_read(_find(path, None), ()), overrides)


def from_mapping(mapping: dict[str, Any], overrides: Sequence[str] = ()) -> RecipeText:
    """A recipe that no file holds, with overrides."""
    return overridden(RecipeText(mapping, {(): "the command line"}), overrides)


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
    source = parse(path.name, _text(path))
    locate_files(source.mapping, path.parent)
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
