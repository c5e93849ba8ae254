"""`weft encode`: audio in, a table of tokens out. The work is kept in a corpus beside it, so that it can be resumed.

tokens.parquet            a row an utterance: key, path, start, seconds, literals "[St10][Pi0][Hu28]…", codes of the stream and of each
tokens.rejects.jsonl      what could not be encoded, and why
tokens.corpus/            a corpus whose last stage is encoding
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from weft.jobs.aligning import write_rejects
from weft.jobs.building import build_corpus
from weft.jobs.commands import console, make_pipeline
from weft.jobs.printing import escape
from weft.jobs.show import show_lost
from weft.jobs.tokenizing import recipe_of, trained_tokenizers
from weft.pipelines.graph import Pipeline
from weft.pipelines.parts.tables import read_part
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Codes, Utterance
from weft.schemas.counting import are, counted
from weft.schemas.faults import RecipeError
from weft.schemas.table import to_table
from weft.schemas.vocabulary import spelt
from weft.tokenizers.base import SpeechTokenizer

STREAM = "merged"  # its name in the corpus
_SIZES = re.compile(r"[1-9]\d*(:[1-9]\d*)+")
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
    """One utterance: its stream, spelt and as codes, and the codes of each tokenizer. `start` and `seconds` in seconds."""

    key: str
    path: str
    start: float
    seconds: float
    literals: str
    stream: Codes
    codes: tuple[Codes, ...]


def run_encode(
    request: EncodeRequest, settings: Sequence[str], engine: str, address: str | None, workers: int | None
) -> int:
    """Encodes, writes the table and prints counts; returns the number of utterances. Raises RecipeError."""
    if request.out.suffix != ".parquet" or request.out.is_dir():
        raise RecipeError(f"--out {request.out}: name a .parquet file")
    tokenizers = trained_tokenizers(request.tokenizers)
    stream = stream_settings(request.merge, list(tokenizers))
    streams = {STREAM: stream} if len(tokenizers) > 1 else {}
    pipeline = make_pipeline({**recipe_of(request.paths, tokenizers), "streams": streams}, settings)
    check_literals(list(pipeline.tokenizers.values()))
    corpus = request.out.with_suffix(".corpus")
    build_corpus(pipeline, str(corpus), engine, address=address, workers=workers)
    store = Store(str(corpus))
    tokens = list(tokens_of(store, pipeline))
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
        f"{sum(len(t.codes[n].ids) for t in tokens):,} of {name}" for n, name in enumerate(pipeline.tokenizers)
    )
    console.print(f"{escape(str(request.out))}: {counted(len(tokens), 'utterance')}, {counts}", highlight=False)
    return len(tokens)


def stream_settings(merge: str, tokenizers: Sequence[str]) -> dict[str, Any]:
    """The recipe's stream for `--merge`. Raises RecipeError for what is neither `time` nor group sizes."""
    if merge == "time":
        return {"merge": "time", "of": tokenizers}
    if not _SIZES.fullmatch(merge):
        raise RecipeError(f"--merge {merge}: unknown merge; known: `time`, or group sizes such as 2:3")
    return {"merge": "groups", "of": tokenizers, "sizes": [int(size) for size in merge.split(":")]}


def check_literals(tokenizers: Sequence[SpeechTokenizer]) -> None:
    """Raises RecipeError where codes of two tokenizers are spelt alike."""
    spellings = [spelt(t.literal, code) for t in tokenizers for code in range(t.size)]
    if doubles := len(spellings) - len(set(spellings)):
        raise RecipeError(
            f"{counted(doubles, 'code')} of one tokenizer {are(doubles)} spelt as another's: "
            "give one a `literal` of its own, such as <audio_{1024}>"
        )


def tokens_of(store: Store, pipeline: Pipeline) -> Iterator[Tokens]:
    """The tokens of every utterance that all tokenizers have encoded."""
    folders = [f"encode/{name}" for name in pipeline.tokenizers] + [f"merge/{name}" for name in pipeline.streams]
    for source in pipeline.sources:
        node = pipeline.utterances(source)
        for name in store.names(node, ".parquet"):
            part = name.rpartition("/")[2]
            codes_by_key = [_by_key(store, f"{folder}/{source}/{part}") for folder in folders]
            for utterance in read_part(store, name, Utterance):
                if all(utterance.key in codes for codes in codes_by_key):
                    yield _tokens(utterance, [codes[utterance.key] for codes in codes_by_key], pipeline)


def _by_key(store: Store, name: str) -> dict[str, Codes]:
    return {codes.key: codes for codes in read_part(store, name, Codes)}


def _tokens(utterance: Utterance, codes: Sequence[Codes], pipeline: Pipeline) -> Tokens:
    """`codes` are those of each tokenizer, then those of the merged stream, where there is one."""
    stream = codes[-1]
    literals = [pipeline.tokenizers[name].literal for name in stream.tokenizers]
    pairs = zip(stream.which, stream.ids, strict=True)
    return Tokens(
        key=utterance.key,
        path=utterance.path,
        start=utterance.start,
        seconds=utterance.seconds,
        literals="".join(spelt(literals[which], code) for which, code in pairs),
        stream=stream,
        codes=tuple(codes[: len(pipeline.tokenizers)]),
    )
