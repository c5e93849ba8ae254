"""The utterances a model is trained on: chosen by their hashed keys, so that parts and their order do not matter.

Held-out data are never chosen. Only the columns that decide are read, and only the chosen rows are in memory.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from weft.pipelines.parts.tables import read_part, read_table
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Utterance
from weft.schemas.fingerprint import hash64


@dataclass(frozen=True)
class UtteranceFilter:
    """A rule for the utterances that may be chosen, and the columns that it needs."""

    columns: tuple[str, ...]
    rows: Callable[[pa.Table], pa.Array]


def _trained(table: pa.Table) -> pa.Array:
    return pc.equal(table["split"], "train")


def _with_text(table: pa.Table) -> pa.Array:
    return pc.and_(_trained(table), pc.greater(pc.utf8_length(pc.fill_null(table["text"], "")), 0))


def _to_be_aligned(table: pa.Table) -> pa.Array:
    return pc.and_(_with_text(table), pc.equal(pc.fill_null(pc.list_value_length(table["words"]), 0), 0))


ANY_UTTERANCE = UtteranceFilter(columns=("split",), rows=_trained)
WITH_TEXT = UtteranceFilter(columns=("split", "text"), rows=_with_text)
TO_BE_ALIGNED = UtteranceFilter(columns=("split", "text", "words"), rows=_to_be_aligned)  # no times of their own


def sample_utterances(
    store: Store, parts: Sequence[str], seconds: float, seed: int, name: str, only: UtteranceFilter = ANY_UTTERANCE
) -> list[Utterance]:
    """Utterances of `parts` in the order of their hashed keys, until they have `seconds` in all."""
    if seconds <= 0:
        return []
    rows = (row for part in parts for row in _rows(store, part, seed, name, only))
    chosen: dict[str, set[str]] = {}
    for _, key, _, part in least(rows, seconds):
        chosen.setdefault(part, set()).add(key)
    utterances = [u for part, keys in chosen.items() for u in read_part(store, part, Utterance) if u.key in keys]
    return sorted(utterances, key=lambda u: hash64(seed, name, u.key))


_SLACK = 1.0  # seconds, above whatever sums of floats differ by in another order
HashedRow = tuple[int, str, float, str]  # hash, key, seconds, part


def least(rows: Iterable[HashedRow], seconds: float) -> list[HashedRow]:
    """The rows of the least hashes, in their order, until they have `seconds` in all; few more are in memory at any time."""
    heap: list[tuple[int, HashedRow]] = []  # a heap with the greatest hash first
    held = 0.0
    for row in rows:
        heapq.heappush(heap, (-row[0], row))
        held += row[2]
        while held - heap[0][1][2] > seconds + _SLACK:
            held -= heapq.heappop(heap)[1][2]
    chosen = []
    for row in sorted(row for _, row in heap):
        if seconds <= 0:
            break
        seconds -= row[2]
        chosen.append(row)
    return chosen


def _rows(store: Store, part: str, seed: int, name: str, only: UtteranceFilter) -> Iterator[HashedRow]:
    table = read_table(store, part, ["key", "start", "end", *only.columns])
    columns = (table.filter(only.rows(table))[c].to_pylist() for c in ("key", "start", "end"))
    for key, start, end in zip(*columns, strict=True):
        yield hash64(seed, name, key), key, end - start, part
