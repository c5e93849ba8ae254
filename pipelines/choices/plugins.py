"""Backends that are not weft's own: a Python file that a recipe names, or an entry point of an installed package.

    align: {use: ./my_aligner.py}        a file beside the recipe, with a `class Aligner(base.Aligner)`
    align: {use: mine}                   [project.entry-points."weft.aligners"]  mine = "my_package.aligner:Aligner"

A file's checksum is part of the name of its module, and so of what its records are made from: an edit makes them again.
"""

import hashlib
import sys
import traceback
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from weft.schemas.settings import FILE_MODULES


def names(folder: str) -> list[str]:
    """The entry points of the group `weft.FOLDER`; none is imported."""
    return sorted(entry_points_of(folder))


def from_package(folder: str, name: str) -> Any:
    """What an entry point names; None where there is no such entry point. Raises ValueError where it cannot be imported.

    The name of its module will do too: trained tokenizers are known by it.
    """
    entry = next((e for e in entry_points_of(folder).values() if name in (e.name, e.module)), None)
    if entry is None:
        return None
    try:
        return entry.load()
    except Exception as error:
        package = entry.dist.name if entry.dist else entry.value
        raise ValueError(f"{name!r} of the package {package} cannot be imported: {_place(error)}") from error


def from_file(path: Path, cls: str) -> Any:
    """The class of that name in a file. Raises ValueError where the file is not there, cannot be run or defines none."""
    try:
        code = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from None
    module = _module(path, f"{FILE_MODULES}{path.stem}_{hashlib.sha256(code).hexdigest()[:16]}")
    if not hasattr(module, cls):
        raise ValueError(f"{path}: it defines no class {cls}")
    return getattr(module, cls)


def modules() -> list[ModuleType]:
    """Those that were made from files: no other process can import them by their names."""
    return [module for name, module in sys.modules.items() if name.startswith(FILE_MODULES)]


def _module(path: Path, name: str) -> ModuleType:
    """Raises ValueError."""
    if name in sys.modules:
        return sys.modules[name]
    spec = spec_from_file_location(name, path)
    assert spec and spec.loader
    module = sys.modules[name] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise ValueError(f"{path}: {_place(error)}") from error
    return module


def _place(error: Exception) -> str:
    """The error with the line that raised it."""
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: {error.msg}"
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(last.filename).name} line {last.lineno})"


@cache
def entry_points_of(folder: str) -> dict[str, EntryPoint]:
    """By name. Raises ValueError where two packages give one name."""
    by_name: dict[str, EntryPoint] = {}
    for entry in entry_points(group=f"weft.{folder}"):
        if entry.name in by_name:
            raise ValueError(
                f"two installed packages name {folder} {entry.name!r}: {by_name[entry.name].value}, {entry.value}"
            )
        by_name[entry.name] = entry
    return by_name
