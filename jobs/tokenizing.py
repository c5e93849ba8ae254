"""`weft tokenizer train` and `list`: a corpus that stops at the tokenizer lies beside it and makes it resumable.

models/hubert/config.json, model.safetensors, …, card.json
models/hubert/.corpus/        parts, ledger and rejects, as any corpus has them
"""

import shutil
import sys
from collections.abc import Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np

from weft.jobs.aligning import CORPUS, sources_of, write_rejects
from weft.jobs.commands import build_corpus, console, make_pipeline
from weft.jobs.printing import escape
from weft.jobs.show import show_lost, table
from weft.outside.backend import Backend
from weft.pipelines.graph import Pipeline
from weft.pipelines.parts.tables import read_part
from weft.pipelines.registry import load, names
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Units
from weft.schemas.counting import counted
from weft.schemas.faults import RecipeError
from weft.tokenizers.base import SpeechTokenizer
from weft.tokenizers.evaluation.metrics import Usage, usage
from weft.tokenizers.models.card import read_card
from weft.tokenizers.models.folder import located

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


def taken(folders: Sequence[Path]) -> dict[str, dict[str, str]]:
    """Trained tokenizers as a recipe has them, each under its own name. Raises RecipeError for a folder that holds none."""
    found: dict[str, dict[str, str]] = {}
    for folder in folders:
        try:
            use = read_card(located(str(folder)))["use"]
        except ValueError as fault:
            raise RecipeError(str(fault)) from None
        name = next(n for n in chain([use], (f"{use[:12]}-{k}" for k in count(2))) if n not in found)
        found[name] = {"use": use, "folder": str(folder)}
    return found


def run_training(
    use: str,
    paths: Sequence[str],
    settings: Sequence[str],
    out: Path,
    engine: str,
    address: str | None,
    workers: int | None,
) -> None:
    """Trains into `out` and says what the codes of what was heard are like."""
    if not use.endswith(".py") and use not in speech_tokenizers():
        raise RecipeError(f"{use}: no such speech tokenizer; there are {', '.join(speech_tokenizers())}")
    name = Path(use).stem
    chosen = str(Path(use).absolute()) if use.endswith(".py") else use
    pipeline = make_pipeline(recipe_of(paths, {name: {"use": chosen}}), [_placed(name, s) for s in settings])
    out.mkdir(parents=True, exist_ok=True)
    build_corpus(pipeline, str(out / CORPUS), engine, address, workers)
    store = Store(str(out / CORPUS))
    for file in store.names(f"models/{name}"):
        if not file.endswith(("/fingerprint", "/model.json")):
            shutil.copyfile(store.path(file), out / file.rpartition("/")[2])
    # a checkpoint may have moved since: what it holds is the same, and where it lies is told anew
    (out / "settings.json").write_text(pipeline.tokenizers[name].model_dump_json(indent=1) + "\n", "utf-8")
    show_lost(console, "Not heard", list(write_rejects(store, out / "rejects.jsonl")))
    heard = read_card(out)["heard"]
    show_usage(
        f"{name}, trained on {counted(heard['clips'], 'clip')} of {heard['seconds']:,.1f} s",
        usage_of(store, pipeline, name),
    )


def _placed(use: str, setting: str) -> str:
    """Settings are the tokenizer's, unless they are of the seed, the sources or what is done to speech before."""
    first = setting.partition("=")[0].partition(".")[0]
    return setting if first in _OF_THE_RECIPE else f"tokenizers.{use}.{setting}"


def usage_of(store: Store, pipeline: Pipeline, tokenizer: str) -> Usage:
    """Of all that was encoded."""
    units = [
        u
        for s in pipeline.sources
        for name in store.names(f"encode/{tokenizer}/{s}", ".parquet")
        for u in read_part(store, name, Units)
    ]
    return usage([np.array(u.ids) for u in units], sum(u.seconds for u in units))


def show_usage(title: str, found: Usage) -> None:
    rows = table(title, "codes used", "as many as (perplexity)", "tokens a second", "bits a second")
    rows.add_row(
        f"{found.used:,}", f"{found.perplexity:,.1f}", f"{found.tokens_per_second:.2f}", f"{found.bits_per_second:,.1f}"
    )
    console.print(rows)


def speech_tokenizers() -> dict[str, type[SpeechTokenizer]]:
    """By name."""
    classes = {name: load("tokenizers", name) for name in names("tokenizers")}
    return {name: made for name, made in classes.items() if issubclass(made, SpeechTokenizer)}


def show_tokenizers() -> None:
    rows = table("Speech tokenizers", "use", "Hz", "codes", "spelt", "learns from", "what it is")
    for column in rows.columns[3:]:
        column.justify = "left"
    for name, made in speech_tokenizers().items():
        default = {field: made.model_fields[field].default for field in ("rate", "size", "literal")}
        about = (sys.modules[made.__module__].__doc__ or "").splitlines()[0]
        learns = "nothing: it is given" if issubclass(made, Backend) else ", ".join(("speech", *made.learns_from))
        rows.add_row(
            name,
            f"{default['rate']:.4g}",
            f"{default['size']:,}",
            escape(str(default["literal"])),
            learns,
            escape(about),
        )
    console.print(rows)
