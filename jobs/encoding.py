"""`weft encode`: audio in, a table of tokens out. The work is kept in a corpus beside it, so that it can be resumed.

tokens.parquet            one row for each utterance: key, path, start, seconds, literals "[St10][Pi0][Hu28]…", units of each tokenizer
tokens.rejects.jsonl      what could not be encoded, and why
tokens.corpus/            a corpus whose last stage is encoding
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from weft.jobs.aligning import write_rejects
from weft.jobs.commands import build_corpus, console, make_pipeline
from weft.jobs.printing import escape
from weft.jobs.show import show_lost
from weft.jobs.tokenizing import recipe_of, trained_tokenizers
from weft.pipelines.graph import Pipeline
from weft.pipelines.parts.tables import read_part
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Units, Utterance
from weft.schemas.counting import are, counted
from weft.schemas.faults import RecipeError
from weft.schemas.table import to_table
from weft.schemas.vocabulary import spelt
from weft.tokenizers.base import SpeechTokenizer
from weft.tokenizers.merging import by_time, in_groups
from weft.tokenizers.stream import Stream

_SIZES = re.compile(r"([1-9]\d*):([1-9]\d*)")
_SHOWN = 3  # utterances whose literals are printed


@dataclass(frozen=True, slots=True)
class EncodeRequest:
    """The command line. `merge` is `time`, or sizes of groups such as `2:3`."""

    paths: tuple[str, ...]
    tokenizers: tuple[Path, ...]
    out: Path
    merge: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """One utterance: the literals of the merged stream, and the units of each tokenizer. `start` and `seconds` in seconds."""

    key: str
    path: str
    start: float
    seconds: float
    literals: str
    units: tuple[Units, ...]


def run_encode(
    request: EncodeRequest, settings: Sequence[str], engine: str, address: str | None, workers: int | None
) -> int:
    """Encodes, writes the table and prints counts; returns the number of utterances. Raises RecipeError."""
    if request.out.suffix != ".parquet" or request.out.is_dir():
        raise RecipeError(f"--out {request.out}: name a .parquet file")
    pipeline = make_pipeline(recipe_of(request.paths, trained_tokenizers(request.tokenizers)), settings)
    check_merge(request.merge, list(pipeline.tokenizers.values()))
    corpus = request.out.with_suffix(".corpus")
    build_corpus(pipeline, str(corpus), engine, address, workers)
    store = Store(str(corpus))
    tokens = list(tokens_of(store, pipeline, request.merge))
    scratch = request.out.with_suffix(".part")
    pq.write_table(to_table(tokens, Tokens), scratch)
    scratch.replace(request.out)
    show_lost(console, "Not encoded", list(write_rejects(store, request.out.with_suffix(".rejects.jsonl"))))
    for one in tokens[:_SHOWN]:
        console.print(
            f"[bold]{escape(one.path)}[/] {escape(one.literals[:1000])}{'…' if len(one.literals) > 1000 else ''}",
            highlight=False,
        )
    if len(tokens) > _SHOWN:
        console.print(f"… and {len(tokens) - _SHOWN:,} more")
    counts = ", ".join(
        f"{sum(len(t.units[n].ids) for t in tokens):,} of {name}" for n, name in enumerate(pipeline.tokenizers)
    )
    console.print(f"{escape(str(request.out))}: {counted(len(tokens), 'utterance')}, {counts}", highlight=False)
    return len(tokens)


def check_merge(merge: str, tokenizers: Sequence[SpeechTokenizer]) -> None:
    """Raises RecipeError for an unknown merge, for streams that cannot be merged this way, and for equal literals of two tokenizers."""
    if merge != "time":
        _check_groups(merge, tokenizers)
    spellings = [spelt(t.literal, code) for t in tokenizers for code in range(t.size)]
    if doubles := len(spellings) - len(set(spellings)):
        raise RecipeError(
            f"{counted(doubles, 'code')} of one tokenizer {are(doubles)} spelt as another's: "
            "give one a `literal` of its own, such as <audio_{1024}>"
        )


def _check_groups(merge: str, tokenizers: Sequence[SpeechTokenizer]) -> None:
    if not _SIZES.fullmatch(merge):
        raise RecipeError(f"--merge {merge}: unknown merge; known: `time`, or two group sizes such as 2:3")
    if len(tokenizers) != 2 or any(t.dedup for t in tokenizers):
        raise RecipeError(f"--merge {merge}: groups need two tokenizers that keep repeated codes (`dedup: false`)")
    a, b = _sizes(merge)
    if abs(a / tokenizers[0].rate - b / tokenizers[1].rate) > 1e-6:
        seconds = f"{a / tokenizers[0].rate:.3f} s of the first and {b / tokenizers[1].rate:.3f} s of the second"
        raise RecipeError(f"--merge {merge}: groups would hold {seconds}, which drift apart")


def _sizes(merge: str) -> tuple[int, int]:
    first, second = merge.split(":")
    return int(first), int(second)


def tokens_of(store: Store, pipeline: Pipeline, merge: str) -> Iterator[Tokens]:
    """The tokens of every utterance that all tokenizers have encoded."""
    for source in pipeline.sources:
        node = pipeline.utterances(source)
        for name in store.names(node, ".parquet"):
            part = name.rpartition("/")[2]
            units_by_key = [_by_key(store, f"encode/{t}/{source}/{part}") for t in pipeline.tokenizers]
            for utterance in read_part(store, name, Utterance):
                if all(utterance.key in units for units in units_by_key):
                    yield _tokens(utterance, [units[utterance.key] for units in units_by_key], pipeline, merge)


def _by_key(store: Store, name: str) -> dict[str, Units]:
    return {units.key: units for units in read_part(store, name, Units)}


def _tokens(utterance: Utterance, units: Sequence[Units], pipeline: Pipeline, merge: str) -> Tokens:
    literals = [tokenizer.literal for tokenizer in pipeline.tokenizers.values()]
    spelling = "".join(spelt(literals[place], code) for place, code in merged(units, merge))
    return Tokens(
        key=utterance.key,
        path=utterance.path,
        start=utterance.start,
        seconds=utterance.seconds,
        literals=spelling,
        units=tuple(units),
    )


def merged(units: Sequence[Units], merge: str) -> Iterator[tuple[int, int]]:
    """The merged stream: for each token the number of its tokenizer, and its code."""
    if merge == "time":
        stream = by_time([Stream(u.rate, np.array(u.ids, np.int32), np.array(u.durations, np.int32)) for u in units])
        yield from zip(stream.streams.tolist(), stream.ids.tolist(), strict=True)
        return
    # tokenizer numbers and codes are grouped alike, so that token n has its number at place n
    sizes = _sizes(merge)
    places = in_groups(np.zeros(len(units[0].ids), int), np.ones(len(units[1].ids), int), sizes)
    codes = in_groups(np.array(units[0].ids, int), np.array(units[1].ids, int), sizes)
    yield from zip(places.tolist(), codes.tolist(), strict=True)
