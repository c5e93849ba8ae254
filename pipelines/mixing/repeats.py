"""Samples with the same key: a document that a file holds twice gives two equal samples of a node.

Each key names one sample, so those behind the first get a number at its end, whichever parts and groups they lie in:

    web-1f7a…-04be…-text-0    web-1f7a…-04be…-text-0-r1    web-1f7a…-04be…-text-0-r2

A sample's place in the order is a hash of its key, so equal keys are found by equal places.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.pipelines.parts.tables import opened_part, part_name, read_table
from weft.pipelines.storage.store import Store
from weft.schemas.sample import ShardSample, repeat_of
from weft.schemas.table import from_table, to_table

AT_ONCE = 1 << 24  # places in memory at a time (8 bytes each)
_PLACES = 1 << 63  # a place is less


class Repeats:
    """Counts the samples of each of the `places` that more than one sample has. Memory grows with these alone."""

    def __init__(self, places: NDArray[np.int64]) -> None:
        self._places = places
        self._counts = np.zeros(len(places), np.int32)

    def number(self, places: NDArray[np.int64]) -> NDArray[np.int32]:
        """How many samples of the same place came before each, in this call and earlier ones; int32 [places]."""
        numbers = np.zeros(len(places), np.int32)
        for row in np.flatnonzero(np.isin(places, self._places)).tolist():
            at = np.searchsorted(self._places, places[row])
            numbers[row] = self._counts[at]
            self._counts[at] += 1
        return numbers


def repeats_of(store: Store, node: str, parts: int, at_once: int = AT_ONCE) -> Repeats:
    """The repeats of a composed node. Its parts are read once for every `at_once` samples."""
    names = [part_name(node, part) for part in range(parts)]
    total = sum(_rows(store, name) for name in names)
    width = -(-_PLACES // max(1, -(-total // at_once)))
    repeated = [_repeated(store, names, begin, min(begin + width, _PLACES)) for begin in range(0, _PLACES, width)]
    return Repeats(np.concatenate(repeated))


def with_repeats(table: pa.Table, numbers: NDArray[np.int32]) -> pa.Table:
    """Composed samples with their repeat numbers added to their keys; number 0 changes nothing."""
    at = np.flatnonzero(numbers)
    if not len(at):
        return table
    same = from_table(table.take(at), ShardSample)
    repeats = [repeat_of(sample, number) for sample, number in zip(same, numbers[at].tolist(), strict=True)]
    rows = np.arange(len(table))
    rows[at] = len(table) + np.arange(len(at))
    return pa.concat_tables([table.replace_schema_metadata(None), to_table(repeats, ShardSample)]).take(rows)


def _rows(store: Store, name: str) -> int:
    with opened_part(store, name) as part:
        return int(part.metadata.num_rows)


def _repeated(store: Store, names: list[str], begin: int, end: int) -> NDArray[np.int64]:
    """The places in [begin, end) that more than one sample has, ascending."""
    places = np.sort(np.concatenate([np.zeros(0, np.int64), *_between(store, names, begin, end)]))
    return np.unique(places[1:][places[1:] == places[:-1]])


def _between(store: Store, names: list[str], begin: int, end: int) -> Iterator[NDArray[np.int64]]:
    for name in names:
        places = read_table(store, name, ["place"])["place"].to_numpy()
        yield places[(places >= begin) & (places <= end - 1)]  # the last `end` is no int64
