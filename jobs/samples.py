"""One sample in the terminal: found through the index, read from its tar, its ids turned back into text and literals."""

import json

import numpy as np
from rich.console import Console
from rich.markup import escape

from weft.jobs.show import table
from weft.pipelines.graph import House
from weft.pipelines.mixing.shards import index_name
from weft.pipelines.models import verified_folder
from weft.pipelines.parts import opened_part
from weft.pipelines.store import Store
from weft.schemas.recipe_file import RecipeError
from weft.schemas.shard import IndexRow
from weft.schemas.table import arrow_schema, from_table


def show_sample(console: Console, store: Store, house: House, key: str) -> None:
    """Prints the first sample whose key begins with `key`. Raises RecipeError when there is none."""
    for stage in house.recipe.training:
        if row := find(store, stage, key):
            _print(console, store, stage, row)
            return
    raise RecipeError(f"{key}: no sample of {store.url} has a key that begins so; index.parquet lists them")


def find(store: Store, stage: str, key: str) -> IndexRow | None:
    """The first draw of a key, read a row group at a time."""
    with opened_part(store, index_name(stage)) as index:
        for group in range(index.num_row_groups):
            keys = index.read_row_group(group, columns=["key"])["key"].to_pylist()
            at = next((i for i, k in enumerate(keys) if k.startswith(key)), None)
            if at is not None:
                return from_table(index.read_row_group(group, arrow_schema(IndexRow).names).slice(at, 1), IndexRow)[0]
    return None


def _print(console: Console, store: Store, stage: str, row: IndexRow) -> None:
    from transformers import AutoTokenizer

    if not store.exists("vocabulary/tokenizer.json"):
        raise FileNotFoundError("vocabulary/tokenizer.json")
    with store.open(f"shards/{stage}/{row.shard}") as file:
        file.seek(row.json_offset)
        said = json.loads(file.read(row.json_length))
        file.seek(row.ids_offset)
        ids = np.frombuffer(file.read(4 * row.tokens), np.int32)
    tokenizer = AutoTokenizer.from_pretrained(str(verified_folder(store, "vocabulary")))
    console.print(f"[bold]{row.key}[/]  task {row.task}, {row.tokens} tokens, {row.seconds:.2f} s, {stage}/{row.shard}")
    for field in ("source", "speaker", "language", "emotion", "licence", "provenance"):
        console.print(f"  {field}: {escape(str(said[field]))}", highlight=False)
    rows = table("Spans", "what", "tokens", "seconds", "loss", "reads")
    rows.columns[-1].justify = "left"
    for s in said["segments"]:
        reads = str(tokenizer.decode(ids[s["begin"] : s["end"]].tolist()))
        times = f"{s['start']:.2f}–{s['stop']:.2f}" if s["stop"] else ""
        rows.add_row(
            f"{s['modality']} {s['role']}",
            f"{s['end'] - s['begin']}",
            times,
            "yes" if s["loss"] else "no",
            escape(reads),
        )
    console.print(rows)
