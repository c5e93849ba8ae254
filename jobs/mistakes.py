"""All that is wrong with a recipe at once, each with its line: `weft validate`.

    mistakes(source).wrong   ->   ("my.yaml line 3: sede: no such setting; check its spelling", …)

What is wrong is noted and taken out of a copy, which is checked again until nothing is wrong with it. What follows from something
taken out is no mistake of its own.
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
_SECTIONS = {"aligner": "align", "transcriber": "transcribe", "voice": "synthesize"}  # of a stage's backend
_ROUNDS = 200  # of checks; a recipe with more mistakes is told the first of them
_NAMED = re.compile(r"'([^']+)'")


class _Copy:
    """A recipe's mapping, from which what is wrong is taken out."""

    def __init__(self, mapping: dict[str, Any]) -> None:
        self.mapping = copy.deepcopy(mapping)
        self._taken: list[KeyPath] = []

    def follows(self, path: KeyPath, message: str) -> bool:
        """Whether a fault is of something that was taken out, or of what named it."""
        named = set(_NAMED.findall(message))
        return any(_begins(path, taken) or _begins(taken, path) or taken[-1] in named for taken in self._taken)

    def take_all_out(self, faults: Sequence[tuple[KeyPath, str]]) -> bool:
        """Removes what lies at these paths, the deepest first; False where there is nothing to remove.

        What lacks a setting goes whole, and with it what else is wrong in it.
        """
        before = len(self._taken)
        for path, message in sorted(faults, key=lambda fault: -len(fault[0])):
            if not any(_begins(path, taken) for taken in self._taken[before:]):
                self.take_out(path, message)
        return len(self._taken) > before

    def take_out(self, path: KeyPath, message: str) -> bool:
        """Removes what lies at `path`, or of a list or mapping there the names that the message quotes; its parent where it is gone."""
        while path:
            parent, at = _at(self.mapping, path[:-1]), path[-1]
            if isinstance(parent, dict) and at in parent:
                if not self._take_named(parent[at], path, message):
                    del parent[at]
                    self._taken.append(path)
                return True
            if isinstance(parent, list) and at.isdigit() and int(at) < len(parent):
                del parent[int(at)]
                self._taken.append(path[:-1])
                return True
            path = path[:-1]
        return False

    def _take_named(self, value: Any, path: KeyPath, message: str) -> bool:
        wrong = set(_NAMED.findall(message.partition(";")[0]))
        found = [name for name in value if name in wrong] if isinstance(value, list | dict) else []
        for name in found:
            value.remove(name) if isinstance(value, list) else value.pop(name)
            self._taken.append((*path, str(name)))
        return bool(found)


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
    """Sentences in the order of their lines: what is wrong, and the files and folders that are not there."""

    wrong: tuple[str, ...]
    missing: tuple[str, ...]


def mistakes(source: recipe_file.Source, kind: type[Pipeline] = Pipeline) -> Mistakes:
    """All of them. Raises RecursionError for a recipe that holds itself."""
    unknown = ((p, _undeclared(name, there), "") for p, name, there in unknown_names(source.mapping))
    wrong = [recipe_file.explain(source, *fault) for fault in unknown]
    bases = [_told(source, fault) for fault in missing_bases(source.mapping)]
    missing: list[str] = []
    checked = _Copy(source.mapping)
    for _ in range(_ROUNDS):
        faults, pipeline = _faults_of(checked.mapping, kind)
        if pipeline:
            missing = [_told(source, fault) for fault in missing_paths(pipeline)]
        # none of these follows from another of them: they were found in one check
        wrong += [recipe_file.explain(source, *f) for f in faults if not checked.follows(_place(f[0], f[1]), f[1])]
        if not checked.take_all_out([(_place(path, message), message) for path, message, _ in faults]):
            break
    return Mistakes(wrong=_in_order(wrong), missing=_in_order([*bases, *missing]))


def _in_order(sentences: list[str]) -> tuple[str, ...]:
    return tuple(sorted(dict.fromkeys(sentences), key=_line))


def unknown_names(mapping: dict[str, Any]) -> Iterator[tuple[KeyPath, str, tuple[str, ...]]]:
    """Where a section names something that another one does not declare: the place, the name, and what there is.

    Looked for in the mapping itself, as a section with a mistake of its own is taken out before its names are looked up.
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
    for path, given, there in references:
        names = _at(mapping, path) if given is None else given
        for name in names if isinstance(names, list) and there else ():
            if isinstance(name, str) and name not in there:
                yield path, name, there


def _keys(section: Any) -> tuple[str, ...]:
    return tuple(map(str, section)) if isinstance(section, dict) else ()


def _undeclared(name: str, there: tuple[str, ...]) -> str:
    return f"{name!r} is not declared; there are {', '.join(there)}"


def _told(source: recipe_file.Source, fault: RecipeFault) -> str:
    return recipe_file.explain(source, fault.path, fault.message, fault.kind)


def _faults_of(mapping: dict[str, Any], kind: type[Pipeline]) -> tuple[list[tuple[KeyPath, str, str]], Pipeline | None]:
    """What one check finds, as path, message and kind; and the recipe with its backends where it finds nothing."""
    try:
        pipeline = kind(Recipe.model_validate(mapping))
        pipeline.check()
    except ValidationError as error:
        return [(tuple(map(str, e["loc"])), e["msg"], e["type"]) for e in error.errors()], None
    except RecipeFault as fault:
        return [(fault.path, fault.message, fault.kind)], None
    return [], pipeline


def _place(path: KeyPath, message: str) -> KeyPath:
    """A check of several settings says in its message which it is of."""
    named = re.match(r"(?:Value error, )?([a-z][\w-]*(?:\.[\w-]+)+): ", message)
    return tuple(named[1].split(".")) if named and not path else path


def _line(sentence: str) -> tuple[str, int]:
    match = re.match(r"(.+?) line (\d+):", sentence)
    return (match[1], int(match[2])) if match else ("", 0)


def missing_paths(pipeline: Pipeline) -> Iterator[RecipeFault]:
    """The files and folders that a recipe names and that are not there: of its sources, and checkpoints of its backends."""
    yield from missing_sources(pipeline)
    for backend in pipeline.with_checkpoints():
        for setting, given in backend.paths_and_hub_names():
            if fault := _unloadable(given):
                yield RecipeFault((*_section(pipeline, backend, setting), *setting.split(".")[-1:]), fault)
    for name, tokenizer in pipeline.recipe.tokenizers.items():
        if tokenizer.folder and (fault := _unloadable(tokenizer.folder)):
            yield RecipeFault(("tokenizers", name, "folder"), fault)


def missing_bases(mapping: dict[str, Any]) -> Iterator[RecipeFault]:
    """The checkpoints that training starts from and that are not there; of a stage with other mistakes too."""
    for stage in _keys(_at(mapping, ("training",))):
        place = ("training", stage, "model", "base")
        base = _at(mapping, place)
        if isinstance(base, str) and base and (fault := _unloadable(base)):
            yield RecipeFault(place, fault)


def missing_sources(pipeline: Pipeline) -> Iterator[RecipeFault]:
    """Those of the sources."""
    for name, source in pipeline.sources.items():
        for setting in ("path", "transcripts"):
            given = getattr(source, setting, "")
            for path in (given,) if isinstance(given, str) else given:
                if pipeline.recipe.sources[name].use == "huggingface" and (fault := _unloadable(path)):
                    yield RecipeFault(("sources", name, setting), fault)
                elif path and _is_gone(path):
                    yield _gone(("sources", name, setting), path)


def _gone(place: KeyPath, given: str) -> RecipeFault:
    made = "`weft demo` makes it, or " if given.startswith("demo/") else ""
    return RecipeFault(place, f"{given} is not there; {made}set {'.'.join(place)}")


def _section(pipeline: Pipeline, backend: Settings, setting: str) -> KeyPath:
    """Where in the recipe a checkpoint of a backend is named."""
    for name, tokenizer in pipeline.tokenizers.items():
        if backend is tokenizer:
            return ("tokenizers", name)
    if backend is pipeline.text:
        return ("text",)
    return (_SECTIONS.get(setting.partition(".")[0], "segment"),)


def _unloadable(given: str) -> str:
    """Why it is no checkpoint; empty where it is one."""
    try:
        loadable(given)
    except ValueError as fault:
        return str(fault)
    return ""


def _is_gone(path: str) -> bool:
    """Of a local path; what a pattern or a url stands for is looked for when it is listed."""
    return "://" not in path and not any(c in path for c in "*?[{") and not os.path.exists(path)
