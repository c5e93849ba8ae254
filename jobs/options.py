"""Options that several commands share, and checks that need no heavy import."""

import os
from pathlib import Path
from typing import Annotated

import typer

from weft.schemas.faults import RecipeError

RecipeArgument = Annotated[str, typer.Argument(help="A recipe file, or the name of a shipped one.", show_default=False)]
Overrides = Annotated[list[str] | None, typer.Argument(help="Settings to change, as key=value.", show_default=False)]
EngineOption = Annotated[str, typer.Option(help="local, ray, or auto: ray where there are cores or a cluster for it.")]
AddressOption = Annotated[str | None, typer.Option(help="A running Ray cluster, such as ray://head:10001 or auto.")]
WorkersOption = Annotated[int | None, typer.Option(min=1, help="CPUs to use on this machine.")]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]
LimitOption = Annotated[int, typer.Option(min=0, help="Rows that are shown; 0 shows all.")]
CorpusArgument = Annotated[str, typer.Argument(help="A corpus: a folder or an fsspec url.", show_default=False)]


def _debug(debug: bool) -> None:
    if debug:
        os.environ["WEFT_TRACEBACK"] = "1"


DebugOption = Annotated[bool, typer.Option("--debug", callback=_debug, help="Show tracebacks of failures.")]


def paths_and_settings(command: str, files: list[str]) -> tuple[tuple[str, ...], list[str]]:
    """Splits arguments into paths and `key=value` settings. Raises RecipeError without a path, and for one that is absent."""
    settings = [f for f in files if "=" in f and not Path(f).exists()]
    paths = tuple(f for f in files if f not in settings)
    if not paths:
        raise RecipeError(f"{command}: name audio files, folders or manifests")
    local = (p for p in paths if "://" not in p and not any(c in p for c in "*?["))
    if absent := next((p for p in local if not Path(p).exists()), ""):
        raise RecipeError(f"{absent}: no such file or folder")
    return paths, settings


def check_folder(given: str, path: Path, kind: str) -> None:
    """Raises RecipeError where a file stands at `path`, which is to be the folder of `kind`, such as "a run", or where `path` would lie
    in a file. `given` is what the user wrote.
    """
    if path.exists() and not path.is_dir():
        raise RecipeError(f"{given}: a file is there; {kind} is a folder")
    check_parents(given, path)


def check_parents(given: str, path: Path) -> None:
    """Raises RecipeError where `path` would lie in a file."""
    if file := next((place for place in path.parents if place.exists() and not place.is_dir()), None):
        raise RecipeError(f"{given}: {file} is a file, and nothing can lie in it; name another place")


def check_engine(engine: str) -> None:
    """Raises RecipeError for an unknown engine."""
    if engine not in ("auto", "local", "ray"):
        raise RecipeError(f"--engine {engine}: unknown engine; known: local, ray, auto")
