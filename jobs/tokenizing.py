"""`weft tokenizer train` and `list`: the work is kept in a corpus beside the tokenizer, so that it can be resumed.

models/hubert/config.json, model.safetensors, …, card.json
models/hubert/.corpus/        a corpus whose last stage is encoding
"""

import shutil
import sys
from collections.abc import Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np

from weft.jobs.aligning import CORPUS, sources_of, write_rejects
from weft.jobs.building import build_corpus
from weft.jobs.commands import console, make_pipeline
from weft.jobs.printing import escape
from weft.jobs.show import show_lost, table
from weft.outside.backend import Backend
from weft.pipelines.choices.registry import load, names
from weft.pipelines.graph import Pipeline
from weft.pipelines.parts.tables import read_part
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Codes
from weft.schemas.counting import counted
from weft.schemas.faults import RecipeError
from weft.tokenizers.base import SpeechTokenizer
from weft.tokenizers.evaluation.metrics import Usage, usage
from weft.tokenizers.models.card import read_card
from weft.tokenizers.models.folder import located, update_settings

LONGEST = 3600.0  # seconds of a recording that is encoded whole
_OF_THE_RECIPE = ("seed", "sources", "segment", "transcribe", "quality")


def recipe_of(paths: Sequence[str], tokenizers: dict[str, Any]) -> dict[str, Any]:
    """A recipe without tasks and without alignment: recordings whole, codes of every tokenizer."""
    return {
        "name": "tokens",
        "part_size": 100,
        "segment": {"use": "silero", "longest": LONGEST},
        "align": {"use": "none"},
        "sources": sources_of(paths, {}),
        "tokenizers": tokenizers,
    }


def trained_tokenizers(folders: Sequence[Path]) -> dict[str, dict[str, str]]:
    """The `tokenizers:` of a recipe for trained folders, each under its own name. Raises RecipeError for a folder without one."""
    tokenizers: dict[str, dict[str, str]] = {}
    for folder in folders:
        try:
            use = read_card(located(str(folder)))["use"]
        except ValueError as fault:
            raise RecipeError(str(fault)) from None
        name = next(n for n in chain([use], (f"{use[:12]}-{k}" for k in count(2))) if n not in tokenizers)
        tokenizers[name] = {"use": use, "folder": str(folder)}
    return tokenizers


def run_training(
    use: str,
    paths: Sequence[str],
    settings: Sequence[str],
    out: Path,
    engine: str,
    address: str | None,
    workers: int | None,
) -> None:
    """Trains into `out` and prints how the codes of the training speech are used. Raises RecipeError."""
    if not use.endswith(".py") and use not in speech_tokenizers():
        raise RecipeError(f"{use}: unknown speech tokenizer; known: {', '.join(speech_tokenizers())}")
    name = Path(use).stem
    chosen = str(Path(use).absolute()) if use.endswith(".py") else use
    pipeline = make_pipeline(recipe_of(paths, {name: {"use": chosen}}), [_recipe_setting(name, s) for s in settings])
    out.mkdir(parents=True, exist_ok=True)
    build_corpus(pipeline, str(out / CORPUS), engine, address=address, workers=workers)
    store = Store(str(out / CORPUS))
    for file in store.names(f"models/{name}"):
        if not file.endswith(("/fingerprint", "/model.json")):
            shutil.copyfile(store.path(file), out / file.rpartition("/")[2])
    # a checkpoint with the same content may have moved: its path is written again
    update_settings(out, pipeline.tokenizers[name])
    show_lost(console, "Not used", list(write_rejects(store, out / "rejects.jsonl")))
    training_set = read_card(out)["trained_on"]
    show_usage(
        f"{name}, trained on {counted(training_set['clips'], 'clip')} of {training_set['seconds']:,.1f} s",
        usage_of(store, pipeline, name),
    )


def _recipe_setting(use: str, setting: str) -> str:
    """The recipe key of a setting: the tokenizer's own, unless it names a section in `_OF_THE_RECIPE`."""
    first = setting.partition("=")[0].partition(".")[0]
    return setting if first in _OF_THE_RECIPE else f"tokenizers.{use}.{setting}"


def usage_of(store: Store, pipeline: Pipeline, tokenizer: str) -> Usage:
    """How the codes of all encoded utterances are used."""
    codes = [
        one
        for source in pipeline.sources
        for name in store.names(f"encode/{tokenizer}/{source}", ".parquet")
        for one in read_part(store, name, Codes)
    ]
    return usage([np.array(one.ids) for one in codes], sum(one.seconds for one in codes))


def show_usage(title: str, figures: Usage) -> None:
    rows = table(title, "codes used", "perplexity", "tokens a second", "bits a second")
    rows.add_row(
        f"{figures.used:,}",
        f"{figures.perplexity:,.1f}",
        f"{figures.tokens_per_second:.2f}",
        f"{figures.bits_per_second:,.1f}",
    )
    console.print(rows)


def speech_tokenizers() -> dict[str, type[SpeechTokenizer]]:
    """The classes of all speech tokenizers, by name."""
    classes = {name: load("tokenizers", name) for name in names("tokenizers")}
    return {name: cls for name, cls in classes.items() if issubclass(cls, SpeechTokenizer)}


def show_tokenizers() -> None:
    rows = table("Speech tokenizers", "use", "Hz", "codes", "spelt", "learns from", "what it is")
    for column in rows.columns[3:]:
        column.justify = "left"
    for name, cls in speech_tokenizers().items():
        default = {field: cls.model_fields[field].default for field in ("rate", "size", "literal")}
        about = (sys.modules[cls.__module__].__doc__ or "").splitlines()[0]
        learns = "nothing: not trained here" if issubclass(cls, Backend) else ", ".join(("speech", *cls.learns_from))
        rows.add_row(
            name,
            f"{default['rate']:.4g}",
            f"{default['size']:,}",
            escape(str(default["literal"])),
            learns,
            escape(about),
        )
    console.print(rows)
