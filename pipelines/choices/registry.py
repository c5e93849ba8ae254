"""The folders are the registry: a module's name is its key in a recipe. Backends of others are in plugins.py.

make("aligners", Choice(use="sphinx", min_score=-2))  ->  weft.pipelines.aligners.sphinx.Aligner(min_score=-2)
make("aligners", Choice(use="/data/my_aligner.py"))   ->  the Aligner of that file
"""

import importlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from weft.pipelines.choices import plugins
from weft.pipelines.choices.required import missing
from weft.schemas.recipe import Choice
from weft.schemas.settings import Versioned


@dataclass(frozen=True)
class Folder:
    """A folder of backends: its name and package, the class that each of its modules defines, and where that class's base is."""

    name: str
    package: str
    cls: str
    base: str


_FOLDERS = {
    name: Folder(name=name, package=f"weft.pipelines.{name}", cls=cls, base=f"weft.pipelines.{name}.base.{cls}")
    for name, cls in {
        "sources": "Source",
        "segmenters": "Segmenter",
        "transcribers": "Transcriber",
        "aligners": "Aligner",
        "voices": "Voice",
        "encoders": "Encoder",
        "image_encoders": "ImageEncoder",
        "tasks": "Task",
    }.items()
} | {
    "tokenizers": Folder(
        name="tokenizers", package="weft.tokenizers", cls="Tokenizer", base="weft.schemas.settings.Versioned"
    ),
    "rewards": Folder(
        name="rewards", package="weft.trainer.rewards", cls="Reward", base="weft.trainer.rewards.base.Reward"
    ),
}


class ChoiceError(ValueError):
    """A backend or a setting of it that does not exist; `path` leads to the key within the choice."""

    def __init__(self, path: tuple[Any, ...], message: str, kind: str = "") -> None:
        super().__init__(message)
        self.path, self.message, self.kind = path, message, kind


def names(folder: str) -> list[str]:
    """What can be chosen: weft's own modules that define the folder's class, and entry points of installed packages.

    None is imported: the text of a module says what it defines.
    """
    return sorted({*_own(folder), *plugins.names(folder)})


def _own(folder: str) -> list[str]:
    place = _FOLDERS[folder]
    defines = re.compile(rf"^class {place.cls}\b", re.MULTILINE)
    files = [file for path in importlib.import_module(place.package).__path__ for file in Path(path).glob("*.py")]
    return sorted(file.stem for file in files if file.stem != "base" and defines.search(file.read_text("utf-8")))


def load(folder: str, name: str) -> type[Versioned]:
    """The class of one of `names`, or of a Python file. Raises ValueError where there is none that fits."""
    place = _FOLDERS[folder]
    if name.endswith(".py"):
        return _fitting(plugins.from_file(Path(name), place.cls), place, name)
    own, others = _own(folder), plugins.names(folder)
    if name in own and name in others:
        raise ValueError(
            f"an installed package names its own {name!r} as weft does: its entry point needs another name"
        )
    if name in own:
        return getattr(importlib.import_module(f"{place.package}.{name}"), place.cls)
    made = plugins.from_package(folder, name)
    if made is None:
        known = ", ".join(sorted({*own, *others}))
        raise ValueError(f"unknown {folder.removesuffix('s')} {name!r}; known: {known}, or a file such as ./mine.py")
    return _fitting(made, place, name)


def _fitting(made: Any, place: Folder, name: str) -> type[Versioned]:
    module, _, cls = place.base.rpartition(".")
    base = getattr(importlib.import_module(module), cls)
    if not (isinstance(made, type) and issubclass(made, base)):
        raise ValueError(f"{name}: its {place.cls} must be a subclass of {place.base}")
    if lacking := missing(place.name, made, base):
        raise ValueError(f"{name}: its {place.cls} has no {', no '.join(lacking)}; {place.base} says what each gives")
    return made


def make(folder: str, choice: Choice, **given: Any) -> Any:
    """The chosen backend with its settings checked. Raises ChoiceError."""
    try:
        made = load(folder, choice.use)
    except ValueError as fault:
        raise ChoiceError(("use",), str(fault)) from None
    try:
        backend = made.model_validate({**choice.settings, **given})
    except ValidationError as error:
        first = error.errors()[0]
        raise ChoiceError(first["loc"], first["msg"], first["type"]) from None
    if not made.__module__.startswith("weft."):  # weft's own are called as their modules
        backend.give_name(Path(choice.use).name if choice.use.endswith(".py") else choice.use)
    return backend
