"""`weft validate`: all mistakes in a recipe at once, each with its line.

    mistakes(source).wrong   ->   ("my.yaml line 3: sede: no such setting; check its spelling", …)

Each mistake is noted and removed from a copy of the recipe. The copy is checked again until it is valid. A fault that follows from
a removed setting is not listed.
"""

import copy
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from weft.pipelines.backends import RecipeFault
from weft.pipelines.graph import Pipeline
from weft.schemas import recipe_file
from weft.schemas.hub import loadable
from weft.schemas.recipe import Recipe
from weft.schemas.settings import Settings

KeyPath = tuple[str, ...]
_SECTIONS = {"aligner": "align", "transcriber": "transcribe", "voice": "synthesize"}  # section of the recipe by backend
_ROUNDS = 200  # checks at most; of a recipe with more mistakes only the first are listed
_NAMED = re.compile(r"'([^']+)'")


class _Copy:
    """A copy of a recipe's mapping, from which mistakes are removed."""

    def __init__(self, mapping: dict[str, Any]) -> None:
        self.mapping = copy.deepcopy(mapping)
        self._removed: list[KeyPath] = []

    def follows(self, path: KeyPath, message: str) -> bool:
        """Whether a fault is due to a removed setting, or to a setting that names it."""
        named = set(_NAMED.findall(message))
        return any(
            _begins(path, removed) or _begins(removed, path) or removed[-1] in named for removed in self._removed
        )

    def remove_all(self, faults: Sequence[tuple[KeyPath, str]]) -> bool:
        """Removes the settings at these paths, the deepest first. False where there is nothing to remove.

        A section that lacks a setting is removed whole, with its other mistakes.
        """
        before = len(self._removed)
        for path, message in sorted(faults, key=lambda fault: -len(fault[0])):
            if not any(_begins(path, removed) for removed in self._removed[before:]):
                self.remove(path, message)
        return len(self._removed) > before

    def remove(self, path: KeyPath, message: str) -> bool:
        """Removes the setting at `path`; of a list or mapping only the names that the message quotes. Its parent where it is absent."""
        while path:
            parent, at = _at(self.mapping, path[:-1]), path[-1]
            if isinstance(parent, dict) and at in parent:
                if not self._remove_named(parent[at], path, message):
                    del parent[at]
                    self._removed.append(path)
                return True
            if isinstance(parent, list) and at.isdigit() and int(at) < len(parent):
                del parent[int(at)]
                self._removed.append(path[:-1])
                return True
            path = path[:-1]
        return False

    def _remove_named(self, value: Any, path: KeyPath, message: str) -> bool:
        wrong = set(_NAMED.findall(message.partition(";")[0]))
        quoted = (
            [name for name in value if isinstance(name, str) and name in wrong]
            if isinstance(value, list | dict)
            else []
        )
        for name in quoted:
            value.remove(name) if isinstance(value, list) else value.pop(name)
            self._removed.append((*path, str(name)))
        return bool(quoted)


def _begins(path: KeyPath, start: KeyPath) -> bool:
    return path[: len(start)] == start


def _at(mapping: Any, path: KeyPath) -> Any:
    for key in path:
        if isinstance(mapping, dict):
            mapping = mapping.get(key)
        elif isinstance(mapping, list) and key.isdigit() and int(key) < len(mapping):
            mapping = mapping[int(key)]
        else:
            return None
    return mapping


@dataclass(frozen=True)
class Mistakes:
    """Sentences in the order of their lines: mistakes, and missing files and folders."""

    wrong: tuple[str, ...]
    missing: tuple[str, ...]


def mistakes(source: recipe_file.Source, kind: type[Pipeline] = Pipeline) -> Mistakes:
    """All mistakes of a recipe. Raises RecursionError for a recipe that contains itself."""
    unknown = ((p, _undeclared(name, declared), "") for p, name, declared in unknown_names(source.mapping))
    wrong = [recipe_file.explain(source, *fault) for fault in unknown]
    bases = [_sentence(source, fault) for fault in missing_bases(source.mapping)]
    missing: list[str] = []
    checked = _Copy(source.mapping)
    for _ in range(_ROUNDS):
        faults, pipeline = _faults_of(checked.mapping, kind)
        if pipeline:
            missing = [_sentence(source, fault) for fault in missing_paths(pipeline)]
        # faults of one check do not follow from each other
        wrong += [recipe_file.explain(source, *f) for f in faults if not checked.follows(_place(f[0], f[1]), f[1])]
        if not checked.remove_all([(_place(path, message), message) for path, message, _ in faults]):
            break
    return Mistakes(wrong=_in_order(wrong), missing=_in_order([*bases, *missing]))


def _in_order(sentences: list[str]) -> tuple[str, ...]:
    return tuple(sorted(dict.fromkeys(sentences), key=_line))


def unknown_names(mapping: dict[str, Any]) -> Iterator[tuple[KeyPath, str, tuple[str, ...]]]:
    """Names that no section declares: the place of each, the name, and the declared names.

    Searched in the whole mapping, because a section with a mistake is removed before its names are resolved.
    """
    sources, tasks, stages = (_keys(_at(mapping, (part,))) for part in ("sources", "tasks", "training"))
    users = [(part, name) for part in ("tasks", "tokenizers") for name in _keys(_at(mapping, (part,)))]
    references: list[tuple[KeyPath, Any, tuple[str, ...]]] = [
        ((*at, "sources"), None, sources) for at in (*users, ("text",), ("align",))
    ]
    for stage in stages:
        mixture = ("training", stage, "mixture")
        shares = [_at(mapping, (*mixture, part)) for part in ("shares", "budgets")]
        references += [(mixture, [*_keys(shares[0]), *_keys(shares[1])], tasks), ((*mixture, "after"), None, stages)]
    for path, listed, declared in references:
        names = _at(mapping, path) if listed is None else listed
        for name in names if isinstance(names, list) and declared else ():
            if isinstance(name, str) and name not in declared:
                yield path, name, declared


def _keys(section: Any) -> tuple[str, ...]:
    return tuple(map(str, section)) if isinstance(section, dict) else ()


def _undeclared(name: str, declared: tuple[str, ...]) -> str:
    return f"{name!r} is not declared; there are {', '.join(declared)}"


def _sentence(source: recipe_file.Source, fault: RecipeFault) -> str:
    return recipe_file.explain(source, fault.path, fault.message, fault.kind)


def _faults_of(mapping: dict[str, Any], kind: type[Pipeline]) -> tuple[list[tuple[KeyPath, str, str]], Pipeline | None]:
    """The faults of one check as path, message and kind; and the recipe with its backends where there are none."""
    try:
        pipeline = kind(Recipe.model_validate(mapping))
        pipeline.check()
    except ValidationError as error:
        return [(tuple(map(str, e["loc"])), e["msg"], e["type"]) for e in error.errors()], None
    except RecipeFault as fault:
        return [(fault.path, fault.message, fault.kind)], None
    return [], pipeline


def _place(path: KeyPath, message: str) -> KeyPath:
    """The path of a fault: a check of several settings has it in its message."""
    named = re.match(r"(?:Value error, )?([a-z][\w-]*(?:\.[\w-]+)+): ", message)
    return tuple(named[1].split(".")) if named and not path else path


def _line(sentence: str) -> tuple[str, int]:
    match = re.match(r"(.+?) line (\d+):", sentence)
    return (match[1], int(match[2])) if match else ("", 0)


def missing_paths(pipeline: Pipeline) -> Iterator[RecipeFault]:
    """The missing files and folders of a recipe: of its sources, and the checkpoints of its backends."""
    yield from missing_sources(pipeline)
    for backend in pipeline.with_checkpoints():
        for setting, checkpoint in backend.paths_and_hub_names():
            if fault := _unloadable(checkpoint):
                yield RecipeFault((*_section(pipeline, backend, setting), *setting.split(".")[-1:]), fault)
    for name, tokenizer in pipeline.recipe.tokenizers.items():
        if tokenizer.folder and (fault := _unloadable(tokenizer.folder)):
            yield RecipeFault(("tokenizers", name, "folder"), fault)


def missing_bases(mapping: dict[str, Any]) -> Iterator[RecipeFault]:
    """The missing checkpoints that training starts from, also of stages with other mistakes."""
    for stage in _keys(_at(mapping, ("training",))):
        place = ("training", stage, "model", "base")
        base = _at(mapping, place)
        if isinstance(base, str) and base and (fault := _unloadable(base)):
            yield RecipeFault(place, fault)


def missing_sources(pipeline: Pipeline) -> Iterator[RecipeFault]:
    """The missing files and folders of the sources."""
    for name, source in pipeline.sources.items():
        for setting in ("path", "transcripts"):
            value = getattr(source, setting, "")
            for path in (value,) if isinstance(value, str) else value:
                if pipeline.recipe.sources[name].use == "huggingface" and (fault := _unloadable(path)):
                    yield RecipeFault(("sources", name, setting), fault)
                elif path and _is_missing(path):
                    yield _missing(("sources", name, setting), path)


def _missing(place: KeyPath, path: str) -> RecipeFault:
    remedy = "`weft demo` makes it, or " if path.startswith("demo/") else ""
    return RecipeFault(place, f"{path} is not there; {remedy}set {'.'.join(place)}")


def _section(pipeline: Pipeline, backend: Settings, setting: str) -> KeyPath:
    """The section of the recipe that names a checkpoint of a backend."""
    for name, tokenizer in pipeline.tokenizers.items():
        if backend is tokenizer:
            return ("tokenizers", name)
    if backend is pipeline.text:
        return ("text",)
    return (_SECTIONS.get(setting.partition(".")[0], "segment"),)


def _unloadable(checkpoint: str) -> str:
    """Why a checkpoint cannot be loaded; empty where it can."""
    try:
        loadable(checkpoint)
    except ValueError as fault:
        return str(fault)
    return ""


def _is_missing(path: str) -> bool:
    """Whether a local path does not exist. Patterns and urls are resolved when the source is listed."""
    return "://" not in path and not any(c in path for c in "*?[{") and not os.path.exists(path)
