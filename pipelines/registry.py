"""The folders are the registry: a module's name is its key in a recipe.

make("aligners", Choice(use="sphinx", min_score=-2))  ->  weft.pipelines.aligners.sphinx.Aligner(min_score=-2)
"""

import importlib
import re
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from weft.schemas.recipe import Choice

_CLASSES = {
    "sources": ("weft.pipelines.sources", "Source"),
    "segmenters": ("weft.pipelines.segmenters", "Segmenter"),
    "transcribers": ("weft.pipelines.transcribers", "Transcriber"),
    "aligners": ("weft.pipelines.aligners", "Aligner"),
    "voices": ("weft.pipelines.voices", "Voice"),
    "tasks": ("weft.pipelines.tasks", "Task"),
    "tokenizers": ("weft.tokenizers", "Tokenizer"),
}


class ChoiceError(ValueError):
    """A backend or a setting of it that does not exist; `path` leads to the key within the choice."""

    def __init__(self, path: tuple[Any, ...], message: str, kind: str = "") -> None:
        super().__init__(message)
        self.path, self.message, self.kind = path, message, kind


def names(folder: str) -> list[str]:
    """What a folder offers: its modules that define the folder's class. Their text says so; none is imported."""
    package, cls = _CLASSES[folder]
    defines = re.compile(rf"^class {cls}\b", re.MULTILINE)
    files = [file for place in importlib.import_module(package).__path__ for file in Path(place).glob("*.py")]
    return sorted(file.stem for file in files if file.stem != "base" and defines.search(file.read_text("utf-8")))


def load(folder: str, name: str) -> Any:
    """The class of one of `names`."""
    package, cls = _CLASSES[folder]
    return getattr(importlib.import_module(f"{package}.{name}"), cls)


def make(folder: str, choice: Choice, **given: Any) -> Any:
    """The chosen backend with its settings checked. Raises ChoiceError."""
    if choice.use not in names(folder):
        raise ChoiceError(("use",), f"there is no {choice.use!r} here; there are {', '.join(names(folder))}")
    try:
        return load(folder, choice.use).model_validate({**choice.settings, **given})
    except ValidationError as error:
        first = error.errors()[0]
        raise ChoiceError(first["loc"], first["msg"], first["type"]) from None
