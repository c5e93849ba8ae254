"""Names that lie in two splits: keys, speakers and texts, found in the index alone.

    leaks(lambda: index_tables(store), house.speaker_spaces)
    ->  Leak("speaker", names=1, examples=("read/s7: train (clip-3fa0…-0002), validation (clip-88b1…-0000)",)), …

The tables are read twice: once for what is held out, whose names are kept, and once for what is trained on. So memory
grows with what is held out, and not with the corpus.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from weft.pipelines.mixing.speakers import persons

COLUMNS = ["parent", "source", "speaker", "text_hash", "split"]  # of the index; no other is read
EXAMPLES = 3
_NO_TEXT = hashlib.blake2b(b"", digest_size=8).hexdigest()

Places = dict[str, dict[str, str]]  # by name and split, a sample's parent


@dataclass(frozen=True, slots=True)
class Leak:
    """How many names of one kind (key, speaker, text) lie in two splits or more, and where some of them do."""

    kind: str
    names: int
    examples: tuple[str, ...]


def leaks(tables: Callable[[], Iterable[pa.Table]], spaces: Mapping[str, str]) -> tuple[Leak, ...]:
    """A `Leak` for each kind that has one. `tables()` begins the rows of all indexes anew each time it is called.

    `spaces` names, for each source whose speakers are known by name, the space that tells them apart; elsewhere a speaker
    is a role within a dialogue.
    """
    held: dict[str, Places] = {kind: {} for kind in _NAMES}
    for kind, name, split, parent in _unique(tables(), spaces, is_held=True):
        held[kind].setdefault(name, {}).setdefault(split, parent)
    for kind, name, split, parent in _unique(tables(), spaces, is_held=False):
        if name in held[kind]:
            held[kind][name].setdefault(split, parent)
    return tuple(leak for kind, places in held.items() if (leak := _leak(kind, places)).names)


def _leak(kind: str, places: Places) -> Leak:
    shared = sorted(name for name, splits in places.items() if len(splits) > 1)
    listed = (f"{n}: {', '.join(f'{s} ({p})' for s, p in sorted(places[n].items()))}" for n in shared[:EXAMPLES])
    return Leak(kind=kind, names=len(shared), examples=tuple(listed))


def _unique(
    tables: Iterable[pa.Table], spaces: Mapping[str, str], is_held: bool
) -> Iterator[tuple[str, str, str, str]]:
    """Kind, name, split and the first parent: each once a table."""
    for table in tables:
        is_train = pc.equal(table["split"], "train")
        rows = table.filter(pc.invert(is_train) if is_held else is_train)
        for kind, names in _NAMES.items():
            of = pa.table({"name": names(rows, spaces), "split": rows["split"], "parent": rows["parent"]}).drop_null()
            found = of.group_by(["name", "split"]).aggregate([("parent", "min")])
            for row in found.to_pylist():
                yield kind, row["name"], row["split"], row["parent_min"]


def _keys(rows: pa.Table, spaces: Mapping[str, str]) -> pa.Array:
    return rows["parent"]


def _texts(rows: pa.Table, spaces: Mapping[str, str]) -> pa.Array:
    """The text's hash; none where there is no text."""
    return pc.if_else(pc.equal(rows["text_hash"], _NO_TEXT), None, rows["text_hash"])


_NAMES = {"key": _keys, "speaker": persons, "text": _texts}
