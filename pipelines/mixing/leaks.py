"""Names of one kind that lie in two splits.

    leak("speaker", lambda: speakers_by_split(store, pipeline))
    ->  Leak("speaker", names=1, examples=("read/s7: train (clip-3fa0…-0002), test (clip-88b1…-0000)",))

The tables are read once for the held-out data and once for the training data, and again where a name lies in both. Only the names of
held-out data are kept, in 8 bytes each: memory does not grow with the training data.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from weft.schemas.fingerprint import hash64

EXAMPLES = 3
Tables = Callable[
    [], Iterable[pa.Table]
]  # of `name` (null where there is none), `split`, and the `key` of what has the name


@dataclass(frozen=True, slots=True)
class Leak:
    """How many names of one kind (key, speaker, text) lie in two splits or more, and where some of them do."""

    kind: str
    names: int
    examples: tuple[str, ...]


def leak(kind: str, tables: Tables) -> Leak:
    """`tables()` begins anew each time it is called."""
    shared = _shared(tables)
    splits_by_name = _first_of(tables, shared) if len(shared) else {}
    listed = (
        f"{name}: {', '.join(f'{s} ({k})' for s, k in sorted(keys.items()))}" for name, keys in splits_by_name.items()
    )
    return Leak(kind=kind, names=len(shared), examples=tuple(listed))


def _shared(tables: Tables) -> NDArray[np.uint64]:
    """The hashes of the names that lie in two splits, ascending."""
    held: dict[str, list[NDArray[np.uint64]]] = {}
    for split, _, hashes in _names(tables, is_held=True):
        held.setdefault(split, []).append(hashes)
    splits = [np.unique(np.concatenate(some)) for some in held.values()]
    if not splits:
        return np.zeros(0, np.uint64)
    names, times = np.unique(np.concatenate(splits), return_counts=True)
    is_shared = times > 1
    for _, _, hashes in _names(tables, is_held=False):
        is_shared |= np.isin(names, hashes)
    return names[is_shared]


def _first_of(tables: Tables, shared: NDArray[np.uint64]) -> Mapping[str, dict[str, str]]:
    """The first of the shared names, and in each of their splits the first key."""
    by_name: dict[str, dict[str, str]] = {}
    for is_held in (True, False):
        for split, table, hashes in _names(tables, is_held):
            for row in table.filter(pa.array(np.isin(hashes, shared))).to_pylist():
                keys = by_name.setdefault(row["name"], {})
                keys[split] = min(row["key_min"], keys.get(split, row["key_min"]))
                if len(by_name) > EXAMPLES:
                    del by_name[max(by_name)]
    return dict(sorted(by_name.items()))


def _names(tables: Tables, is_held: bool) -> Iterator[tuple[str, pa.Table, NDArray[np.uint64]]]:
    """A split, its names in a table, each once, and their hashes."""
    for table in tables():
        rows = table.filter(pc.field("name").is_valid())
        for split in sorted(rows["split"].unique().to_pylist()):
            if (split != "train") is is_held:
                of = rows.filter(pc.field("split") == split).group_by("name").aggregate([("key", "min")])
                yield split, of, np.array([hash64(name) for name in of["name"].to_pylist()], np.uint64)
