"""`weft encode`: audio in, a table of tokens out; a corpus that stops at the codes lies beside it and makes it resumable.

tokens.parquet            a row an utterance: key, path, start, seconds, literals "[St10][Pi0][Hu28]…", units of each tokenizer
tokens.rejects.jsonl      what could not be encoded, and why
tokens.corpus/            parts, ledger and rejects, as any corpus has them
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
from weft.jobs.tokenizing import recipe_of, taken
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
class Wanted:
    """What the command line asks for. `merge` is `time`, or sizes of groups such as `2:3`."""

    paths: tuple[str, ...]
    tokenizers: tuple[Path, ...]
    out: Path
    merge: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """One utterance as the merged stream spells it, and each tokenizer's own units."""

    key: str
    path: str
    start: float
    seconds: float
    literals: str
    units: tuple[Units, ...]


def run_encode(wanted: Wanted, settings: Sequence[str], engine: str, address: str | None, workers: int | None) -> int:
    """Encodes, writes and sums up; returns the number of utterances."""
    if wanted.out.suffix != ".parquet" or wanted.out.is_dir():
        raise RecipeError(f"--out {wanted.out}: name a .parquet file")
    pipeline = make_pipeline(recipe_of(wanted.paths, taken(wanted.tokenizers)), settings)
    spellings = list(pipeline.tokenizers.values())
    check_merge(wanted.merge, spellings)
    corpus = wanted.out.with_suffix(".corpus")
    build_corpus(pipeline, str(corpus), engine, address, workers)
    store = Store(str(corpus))
    tokens = list(tokens_of(store, pipeline, wanted.merge))
    scratch = wanted.out.with_suffix(".part")
    pq.write_table(to_table(tokens, Tokens), scratch)
    scratch.replace(wanted.out)
    show_lost(console, "Not encoded", list(write_rejects(store, wanted.out.with_suffix(".rejects.jsonl"))))
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
    console.print(f"{escape(str(wanted.out))}: {counted(len(tokens), 'utterance')}, {counts}", highlight=False)
    return len(tokens)


def check_merge(merge: str, tokenizers: Sequence[SpeechTokenizer]) -> None:
    """Raises RecipeError for streams that cannot be merged so, or not be told apart then."""
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
        raise RecipeError(f"--merge {merge}: it is `time`, or two sizes such as 2:3")
    if len(tokenizers) != 2 or any(t.dedup for t in tokenizers):
        raise RecipeError(f"--merge {merge}: groups are of two tokenizers whose repeats stay (`dedup: false`)")
    a, b = _sizes(merge)
    if abs(a / tokenizers[0].rate - b / tokenizers[1].rate) > 1e-6:
        seconds = f"{a / tokenizers[0].rate:.3f} s of the first and {b / tokenizers[1].rate:.3f} s of the second"
        raise RecipeError(f"--merge {merge}: groups would hold {seconds}, which drift apart")


def _sizes(merge: str) -> tuple[int, int]:
    first, second = merge.split(":")
    return int(first), int(second)


def tokens_of(store: Store, pipeline: Pipeline, merge: str) -> Iterator[Tokens]:
    """Of every utterance that all tokenizers have encoded."""
    for source in pipeline.sources:
        node = pipeline.utterances(source)
        for name in store.names(node, ".parquet"):
            part = name.rpartition("/")[2]
            coded = [_by_key(store, f"encode/{t}/{source}/{part}") for t in pipeline.tokenizers]
            for utterance in read_part(store, name, Utterance):
                if all(utterance.key in units for units in coded):
                    yield _tokens(utterance, [units[utterance.key] for units in coded], pipeline, merge)


def _by_key(store: Store, name: str) -> dict[str, Units]:
    return {units.key: units for units in read_part(store, name, Units)}


def _tokens(utterance: Utterance, units: Sequence[Units], pipeline: Pipeline, merge: str) -> Tokens:
    literals = [tokenizer.literal for tokenizer in pipeline.tokenizers.values()]
    spelling = "".join(spelt(literals[place], code) for place, code in merged(units, merge))
    return Tokens(utterance.key, utterance.path, utterance.start, utterance.seconds, spelling, tuple(units))


def merged(units: Sequence[Units], merge: str) -> Iterator[tuple[int, int]]:
    """Which tokenizer each token is of, and its code there."""
    if merge == "time":
        stream = by_time([Stream(u.rate, np.array(u.ids, np.int32), np.array(u.durations, np.int32)) for u in units])
        yield from zip(stream.streams.tolist(), stream.ids.tolist(), strict=True)
        return
    # the tokenizer goes through the same groups as its codes do
    sizes = _sizes(merge)
    places = in_groups(np.zeros(len(units[0].ids), int), np.ones(len(units[1].ids), int), sizes)
    codes = in_groups(np.array(units[0].ids, int), np.array(units[1].ids, int), sizes)
    yield from zip(places.tolist(), codes.tolist(), strict=True)
