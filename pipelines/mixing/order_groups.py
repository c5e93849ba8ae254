"""Groups of the samples of a composed node: which parts make a group, and the table of a group in the order of its samples.

layout_of(parts=40, sampled=[…], tar_bytes=1e9)          Layout(groups=[[0, 32], [1, 33], …], buckets=1)
group_of([table, …], group=0, parts=[0, 32], …)          part 32, row 203, bucket 0, 143 tokens; …

Only tables go in and out; `order.py` reads and writes the files.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from weft.pipelines.mixing.speakers import COLUMNS as NAMED
from weft.pipelines.mixing.speakers import persons
from weft.pipelines.parts.tables import table_digest
from weft.schemas import tar
from weft.schemas.item import linear
from weft.schemas.plan import MEMBER_SETS, HeldAmounts, Ordered
from weft.schemas.table import arrow_schema

# Parts of a group, where there are as many. No setting: the size of tars is `shards: {bytes}`; this only keeps groups of a small
# corpus from being a part each.
FEWEST = 16
LENGTHS = [f"{ending}_length" for ending in tar.MEMBERS]
COLUMNS = ["place", "digest", "tokens", "seconds", "language", "emotion", *NAMED, *LENGTHS]
_LABELS = ("language", "emotion", "speaker")


@dataclass(frozen=True)
class Layout:
    """The parts of each group, and the number of tars of a group."""

    groups: list[list[int]]
    buckets: int


def layout_of(parts: int, sampled: Sequence[pa.Table], tar_bytes: float) -> Layout:
    """The layout of this many parts, by the mean size of some of them (tables with LENGTHS). A new part splits one group in two and
    renames no tar (linear hashing).
    """
    mean = max(1.0, sum(_bytes(table).sum() for table in sampled) / max(1, len(sampled)))
    wanted = max(FEWEST, 1 << round(np.log2(max(1.0, tar_bytes / mean))))
    groups: list[list[int]] = [[] for _ in range(max(1, -(-parts // wanted)))]
    for part in range(parts):
        groups[linear(part, len(groups))].append(part)
    return Layout(groups=groups, buckets=max(1, round(min(parts, wanted) * mean / tar_bytes)))


def group_of(read: Sequence[pa.Table], group: int, parts: Sequence[int], buckets: int, space: str) -> pa.Table:
    """The samples of these parts, sorted by place; equal places by part and row."""
    if not any(map(len, read)):
        return arrow_schema(Ordered).empty_table()
    counts = [len(table) for table in read]
    table = _with_persons(pa.concat_tables(read).combine_chunks(), space)
    places = table["place"].to_numpy()
    order = np.argsort(places, kind="stable")  # they come by part and row
    columns = {
        "part": np.repeat(np.asarray(parts, np.int32), counts),
        "row": np.concatenate([np.arange(count, dtype=np.int32) for count in counts]),
        "group": np.full(len(table), group, np.int32),
        "bucket": _buckets(places, buckets),
        "microseconds": np.rint(table["seconds"].to_numpy() * 1e6).astype(np.int64),
        "bytes": _bytes(table).astype(np.int32),
        **{name: table[name].to_numpy() for name in ("repeat", "digest", "tokens")},
    }
    labels = {name: table[name].combine_chunks().dictionary_encode() for name in _LABELS} | {"members": _members(table)}
    schema = arrow_schema(Ordered)
    indices = pa.array(order)
    arrays = [
        pa.array(columns[f.name][order], f.type) if f.name in columns else labels[f.name].take(indices) for f in schema
    ]
    return pa.table(arrays, schema=schema)


def _with_persons(table: pa.Table, space: str) -> pa.Table:
    """With the name of each speaker in its space; "" for speech without a name."""
    spaces = dict.fromkeys(table["source"].unique().to_pylist(), space) if space else {}
    return table.set_column(
        table.schema.get_field_index("speaker"), "speaker", pc.fill_null(persons(table, spaces), "")
    )


def _bytes(table: pa.Table) -> np.ndarray:
    """The size of each sample in a tar, in bytes: its members, each with a header and whole blocks."""
    lengths = (table[name].to_numpy().astype(np.int64) for name in LENGTHS)
    return sum(map(tar.space, lengths), np.zeros(len(table), np.int64))


def _members(table: pa.Table) -> pa.DictionaryArray:
    """The members of each sample besides its JSON and ids: "", flac, png or flac-png."""
    flac, png = (table[f"{ending}_length"].to_numpy() > 0 for ending in ("flac", "png"))
    return pa.array(np.array(MEMBER_SETS)[flac + 2 * png]).dictionary_encode()


def _buckets(places: np.ndarray, count: int) -> np.ndarray:
    """The bucket of each place. A bucket is a range of places; one more bucket splits one of them in two."""
    bits = np.zeros(len(places), np.int64)
    for bit in range(16):  # the first bits of a place (of 63) become the last: what linear hashing looks at
        bits |= ((places >> (62 - bit)) & 1) << bit
    level = 1 << (count.bit_length() - 1)
    low = bits & (level - 1)
    return np.where(low < count - level, bits & (2 * level - 1), low).astype(np.int32)


def _plain(table: pa.Table) -> pa.Table:
    """Without dictionaries: their order is not part of the content."""
    kinds = [(f.name, pa.string() if pa.types.is_dictionary(f.type) else f.type) for f in table.schema]
    return table.replace_schema_metadata(None).cast(pa.schema(kinds))


def digest_of(group: pa.Table) -> str:
    """The digest of the rows of a group."""
    return table_digest(_plain(group))


def amounts_of(table: pa.Table) -> pa.Table:
    """Sums and greatest values of a group by language and emotion."""
    sums = [([], "count_all"), ("tokens", "sum"), ("microseconds", "sum"), ("tokens", "max"), ("microseconds", "max")]
    return _plain(table).group_by(["language", "emotion"]).aggregate(sums)


def held_of(tables: Sequence[pa.Table]) -> list[HeldAmounts]:
    """The same of all groups together."""
    whole = pa.concat_tables(tables) if tables else None
    if whole is None or not len(whole):
        return []
    sums = whole.group_by(["language", "emotion"]).aggregate(
        [
            ("count_all", "sum"),
            ("tokens_sum", "sum"),
            ("microseconds_sum", "sum"),
            ("tokens_max", "max"),
            ("microseconds_max", "max"),
        ]
    )
    summaries = [
        HeldAmounts(
            language=row["language"], emotion=row["emotion"], samples=row["count_all_sum"], tokens=row["tokens_sum_sum"],
            microseconds=row["microseconds_sum_sum"], longest_tokens=row["tokens_max_max"],
            longest_microseconds=row["microseconds_max_max"],
        )
        for row in sums.to_pylist()
    ]  # fmt: skip
    return sorted(summaries, key=lambda h: (h.language, h.emotion))
