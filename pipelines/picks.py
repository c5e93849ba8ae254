"""Which utterances a model is trained on: chosen by their hashed keys, so neither parts nor order matter.

Nothing learns from what is held out.
"""

from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from weft.pipelines.parts import read_part, read_table
from weft.pipelines.store import Store
from weft.schemas.audio import Utterance
from weft.schemas.fingerprint import hash64

Keep = Callable[[pa.Table], pa.Array]  # which rows of key, start, end, text, words and split may be chosen


def any_utterance(table: pa.Table) -> pa.Array:
    return pc.equal(table["split"], "train")


def with_text(table: pa.Table) -> pa.Array:
    return pc.and_(any_utterance(table), pc.greater(pc.utf8_length(pc.fill_null(table["text"], "")), 0))


def to_be_aligned(table: pa.Table) -> pa.Array:
    """Utterances with a text and without times of their own."""
    return pc.and_(with_text(table), pc.equal(_count(table["words"]), 0))


def _count(lists: pa.Array) -> pa.Array:
    return pc.fill_null(pc.list_value_length(lists), 0)


def picked(
    store: Store, parts: Sequence[str], seconds: float, seed: int, name: str, keep: Keep = any_utterance
) -> list[Utterance]:
    """Utterances of `parts` in the order of their hashed keys, until they hold so many seconds."""
    listed = sorted(row for part in parts for row in _rows(store, part, seed, name, keep)) if seconds else []
    chosen: dict[str, set[str]] = {}
    for _, key, length, part in listed:
        if seconds <= 0:
            break
        seconds -= length
        chosen.setdefault(part, set()).add(key)
    found = [u for part, keys in chosen.items() for u in read_part(store, part, Utterance) if u.key in keys]
    return sorted(found, key=lambda u: hash64(seed, name, u.key))


def _rows(store: Store, part: str, seed: int, name: str, keep: Keep) -> list[tuple[int, str, float, str]]:
    table = read_table(store, part, ["key", "start", "end", "text", "words", "split"])
    columns = (table.filter(keep(table))[c].to_pylist() for c in ("key", "start", "end"))
    return [(hash64(seed, name, key), key, end - start, part) for key, start, end in zip(*columns, strict=True)]
