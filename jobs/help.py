"""The look of `--help`: the value of an option is one word, not a Python type in angle brackets.

--workers   N [x>=1]  CPUs to use on this machine.
--verify    --no-verify   Read the whole corpus first …
"""

from pathlib import Path
from typing import Any

from typer.core import TyperCommand, TyperGroup

_WORDS: dict[Any, str] = {int: "N", float: "N", str: "TEXT", Path: "PATH"}


def _plain(params: list[Any]) -> list[Any]:
    for param in params:
        word = "" if getattr(param, "is_flag", False) or param.param_type_name == "argument" else _word_of(param)
        param.display_type_rich = lambda ctx, word=word: word or None
    return params


def _word_of(param: Any) -> str:
    """The word for an option's value; of a list, for its elements."""
    annotation = getattr(getattr(param, "type_descriptor", None), "annotation", str)
    inner = getattr(annotation, "__args__", (annotation,))[0]
    return _WORDS.get(inner, "TEXT")


class Command(TyperCommand):
    """A command with plain help."""

    def get_params(self, ctx: Any) -> list[Any]:
        return _plain(super().get_params(ctx))


class CommandGroup(TyperGroup):
    """Commands with plain help."""

    def get_params(self, ctx: Any) -> list[Any]:
        return _plain(super().get_params(ctx))
