"""Files and folders that a recipe names and that do not exist.

missing_sources(pipeline)   ->   RecipeFault(("sources", "speech", "path"), "/data/a is not there; set sources.speech.path")
"""

import os
from collections.abc import Iterator
from typing import Any

from weft.jobs.checks.faults import KeyPath, keys_at, value_at
from weft.pipelines.choices.recipe_faults import RecipeFault
from weft.pipelines.graph import Pipeline
from weft.schemas.hub import loadable
from weft.schemas.settings import Settings

_SECTIONS = {"aligner": "align", "transcriber": "transcribe", "voice": "synthesize"}  # section of the recipe by backend


def missing_paths(pipeline: Pipeline) -> Iterator[RecipeFault]:
    """The missing files and folders of a recipe: of its sources, and the checkpoints of its backends."""
    yield from missing_sources(pipeline)
    for backend in pipeline.with_checkpoints():
        for setting, checkpoint in backend.paths_and_hub_names():
            if fault := _unloadable(checkpoint):
                yield RecipeFault((*_section(pipeline, backend, setting), *setting.split(".")[-1:]), fault)
    if pipeline.encoders.audio:
        for setting, checkpoint in pipeline.encoders.audio.paths_and_hub_names():
            if fault := _unloadable(checkpoint):
                yield RecipeFault(("encoder", setting), fault)
    for name, tokenizer in pipeline.recipe.tokenizers.items():
        if tokenizer.folder and (fault := _unloadable(tokenizer.folder)):
            yield RecipeFault(("tokenizers", name, "folder"), fault)


def missing_bases(mapping: dict[str, Any]) -> Iterator[RecipeFault]:
    """The missing checkpoints that training starts from, also of stages with other mistakes."""
    for stage in keys_at(mapping, ("training",)):
        place = ("training", stage, "model", "base")
        base = value_at(mapping, place)
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
