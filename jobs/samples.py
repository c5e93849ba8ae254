"""`weft inspect`: one sample by its key or file, or a list of samples.

Samples are located through the index and read from the tars. Their ids are decoded to text and literals.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from rich.console import Console

from weft.jobs.printing import plain_json
from weft.jobs.rejects import rejects_of
from weft.jobs.show import cell, more_line, table
from weft.pipelines.graph import Pipeline
from weft.pipelines.mixing.shards import index_name
from weft.pipelines.models.folders import verified_folder
from weft.pipelines.parts.tables import opened_part
from weft.pipelines.storage.damage import Damaged
from weft.pipelines.storage.store import Store
from weft.schemas.counting import counted
from weft.schemas.faults import RecipeError
from weft.schemas.item import key_beginning
from weft.schemas.sample import PLACEHOLDERS
from weft.schemas.shard import IndexRow
from weft.schemas.table import arrow_schema, from_table

_AT_ONCE = 64  # rows that are converted to records at a time
_SHORTENED = 60  # characters of a text in a list


@dataclass(frozen=True, slots=True)
class SampleFilter:
    """Selects samples; an empty field selects all."""

    stage: str = ""
    task: str = ""
    source: str = ""
    speaker: str = ""

    def passes(self, row: IndexRow) -> bool:
        wanted = ((self.task, row.task), (self.source, row.source), (self.speaker, row.speaker))
        return all(not want or want == has for want, has in wanted)

    def check(self, pipeline: Pipeline) -> None:
        """Raises RecipeError for a name that the recipe of the corpus does not declare."""
        declared = (("stage", pipeline.recipe.training), ("task", pipeline.tasks), ("source", pipeline.sources))
        for option, names in declared:
            value = getattr(self, option)
            if value and value not in names:
                raise RecipeError(f"--{option} {value}: the corpus has no such {option}; known: {', '.join(names)}")


def show_sample(console: Console, store: Store, pipeline: Pipeline, key: str, as_json: bool = False) -> None:
    """Prints the first sample whose key begins with `key`, or whose file has this name; as a table, or as JSON.

    Raises RecipeError when there is none.
    """
    for stage in pipeline.recipe.training:
        if row := find(store, stage, key) or _find_file(store, stage, key):
            sample, spans = _read(store, stage, row), _spans(store, stage, row)
            if as_json:
                print(plain_json(json.dumps(_described(stage, row, sample, spans), indent=1, ensure_ascii=False)))
            else:
                _print(console, f"{stage}/{row.shard}", row, sample=sample, spans=spans)
            return
    for rejected in rejects_of(store, pipeline):
        if rejected.reject.key == key or _is_named(rejected.reject.path, key):
            why = f"{rejected.reject.reason} ({rejected.reject.detail})"
            raise RecipeError(f"{key}: no sample, because {rejected.node} rejected it: {why}")
    raise RecipeError(
        f"{key}: no sample of {store.url} has a key that begins like this, or a file of this name; "
        f"`weft inspect {store.url} --list` lists samples, `weft rejects {store.url}` rejected items"
    )


def list_samples(
    console: Console, store: Store, pipeline: Pipeline, wanted: SampleFilter, limit: int, as_json: bool
) -> None:
    """Prints at most `limit` selected samples (0: all), each once, in the order of their first draws; and how many more there are."""
    wanted.check(pipeline)
    if not pipeline.recipe.training:
        raise RecipeError(f"{store.url}: its recipe has no training stage, so there are no samples to list")
    selected = _selected(store, pipeline, wanted)
    rows = [_listed(store, stage, row) for stage, row in islice(selected, limit or None)]
    if as_json:
        print(plain_json(json.dumps(rows, indent=1, ensure_ascii=False)))
        return
    if not rows:
        console.print("no sample matches; `weft rejects` may say why")
        return
    shown = table("Samples", "key", "stage", "task", "source", "speaker", "seconds", "tokens", "text")
    for number in (1, 2, 3, 4, 7):
        shown.columns[number].justify = "left"
    for r in rows:
        words = (cell(r[name]) for name in ("key", "stage", "task", "source", "speaker"))
        shown.add_row(*words, f"{r['seconds']:.2f}", f"{r['tokens']:,}", cell(_shortened(r["text"])))
    console.print(shown)
    more_line(console, sum(1 for _ in selected))


def find(store: Store, stage: str, key: str) -> IndexRow | None:
    """The first draw whose key begins with `key`; the index is read a row group at a time."""
    return next((row for row in _rows(store, stage, lambda k: k.startswith(key))), None)


def find_where(store: Store, stage: str, wanted: Callable[[IndexRow], bool]) -> IndexRow | None:
    """The first draw for which `wanted` is true."""
    return next((row for row in _rows(store, stage, lambda key: True) if wanted(row)), None)


def _find_file(store: Store, stage: str, name: str) -> IndexRow | None:
    """The first draw of a file: its key begins with the file's name, and its sample has the whole path."""
    for row in _rows(store, stage, lambda key: key.startswith(key_beginning(name))):
        path = str(_read(store, stage, row)["provenance"]["path"])
        if _is_named(path, name) or _is_named(path.partition("#")[0], name):  # a document's id follows its file
            return row
    return None


def _is_named(path: str, name: str) -> bool:
    """Whether `name` means the file at `path` of a source: one of the two is the other, or ends with it."""
    return bool(name) and (path == name or path.endswith(f"/{name}") or name.endswith(f"/{path}"))


def _rows(store: Store, stage: str, wanted: Callable[[str], bool]) -> Iterator[IndexRow]:
    """The draws for whose keys `wanted` is true. Raises Damaged for an index of another version, which has other columns."""
    columns = arrow_schema(IndexRow).names
    with opened_part(store, index_name(stage)) as index:
        if lost := set(columns) - set(index.schema_arrow.names):
            raise Damaged(
                store.url, index_name(stage), f"has no column {min(lost)!r}, as another version of weft wrote it"
            )
        for group in range(index.num_row_groups):
            keys = index.read_row_group(group, columns=["key"])["key"].to_pylist()
            at = [number for number, key in enumerate(keys) if wanted(key)]
            if not at:
                continue
            read = index.read_row_group(group, columns)
            for first in range(0, len(at), _AT_ONCE):
                yield from from_table(read.take(at[first : first + _AT_ONCE]), IndexRow)


def _selected(store: Store, pipeline: Pipeline, wanted: SampleFilter) -> Iterator[tuple[str, IndexRow]]:
    """Each selected sample with its training stage, at its first draw."""
    for stage in pipeline.recipe.training:
        seen: set[str] = set()
        for row in _rows(store, stage, lambda key: True) if wanted.stage in ("", stage) else ():
            if row.key not in seen and wanted.passes(row):
                seen.add(row.key)
                yield stage, row


def _listed(store: Store, stage: str, row: IndexRow) -> dict[str, Any]:
    sample = _read(store, stage, row)
    return {
        "key": row.key, "stage": stage, "task": row.task, "source": row.source, "speaker": row.speaker,
        "language": row.language, "emotion": row.emotion, "level": row.level, "seconds": round(row.seconds, 3), "tokens": row.tokens,
        "path": sample["provenance"]["path"], "text": sample["text"],
    }  # fmt: skip


def _shortened(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _SHORTENED else words[: _SHORTENED - 1] + "…"


def _read(store: Store, stage: str, row: IndexRow) -> dict[str, Any]:
    """The content of a sample's `.json`."""
    with store.open(f"shards/{stage}/{row.shard}") as file:
        file.seek(row.json_offset)
        return dict(json.loads(file.read(row.json_length)))


def _spans(store: Store, stage: str, row: IndexRow) -> list[dict[str, Any]]:
    """The sample's segments, each with its ids decoded to text and literals."""
    from tokenizers import Tokenizer

    if not store.exists("vocabulary/tokenizer.json"):
        raise FileNotFoundError("vocabulary/tokenizer.json")
    with store.open(f"shards/{stage}/{row.shard}") as file:
        file.seek(row.ids_offset)
        ids = np.frombuffer(file.read(4 * row.tokens), np.int32)
    tokenizer = Tokenizer.from_file(str(verified_folder(store, "vocabulary") / "tokenizer.json"))

    def decoded(segment: dict[str, Any]) -> str:
        some = ids[segment["begin"] : segment["end"]].tolist()
        if segment["role"] == PLACEHOLDERS:
            return f"{tokenizer.decode(some[:1], skip_special_tokens=False)} × {len(some)}"
        return str(tokenizer.decode(some, skip_special_tokens=False))

    return [{**s, "decoded": decoded(s)} for s in _read(store, stage, row)["segments"]]


def _described(stage: str, row: IndexRow, sample: dict[str, Any], spans: list[dict[str, Any]]) -> dict[str, Any]:
    """What `_print` shows, for a script."""
    where = {"stage": stage, "shard": row.shard, "tokens": row.tokens}
    return {"key": row.key, **where, **sample, "segments": spans}


def _print(console: Console, place: str, row: IndexRow, sample: dict[str, Any], spans: list[dict[str, Any]]) -> None:
    where = f"task {row.task}, {counted(row.tokens, 'token')}, {row.seconds:.2f} s, {place}"
    console.print(f"[bold]{cell(row.key)}[/]  {cell(where)}")
    for field in ("source", "speaker", "language", "emotion", "level", "licence", "provenance"):
        console.print(f"  {field}: {cell(sample[field])}", highlight=False)
    if sample.get("answer"):
        console.print(f"  answer: {cell(sample['answer'])}", highlight=False)
    rows = table("Spans", "what", "tokens", "seconds", "loss", "decoded")
    rows.columns[-1].justify = "left"
    for s in spans:
        times = f"{s['start']:.2f}–{s['stop']:.2f}" if s["stop"] else ""
        loss = "yes" if s["loss"] else "no"
        rows.add_row(cell(f"{s['modality']} {s['role']}"), f"{s['end'] - s['begin']}", times, loss, cell(s["decoded"]))
    console.print(rows)
