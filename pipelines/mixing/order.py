"""The order of a composed node's samples: shuffled by their keys across parts, once for all stages that draw them.

    order/words/pass-0/speech.parquet        Ordered(part=3, row=203, group=0, bucket=0, tokens=143, …), a row group a group
    order/words/pass-0/speech-held.parquet   HeldAmounts("en", "", samples=998, tokens=143_202, …)

Parts are grouped by their numbers, which are hashes of recordings: a group has about the bytes of a tar, and at least 16 parts. The
samples of a group are sorted by their places, which are hashes of their keys. So only one group is in memory, and a sample that is
added or changed moves no other. A group larger than a tar is cut into buckets by place. Keys that repeat are numbered (`repeats.py`).
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from weft.pipelines.mixing.repeats import Repeats, repeats_of, with_repeats
from weft.pipelines.mixing.speakers import COLUMNS as NAMED
from weft.pipelines.mixing.speakers import persons
from weft.pipelines.models.folders import checksum_of
from weft.pipelines.parts.slices import read_slices
from weft.pipelines.parts.tables import (
    footer_of,
    opened_part,
    part_name,
    read_part,
    read_table,
    table_digest,
    write_part,
)
from weft.pipelines.storage.damage import Damaged, NotMade
from weft.pipelines.storage.store import Store
from weft.schemas import tar
from weft.schemas.changes import MadeFrom
from weft.schemas.fingerprint import digest
from weft.schemas.item import linear
from weft.schemas.plan import MEMBER_SETS, HeldAmounts, Ordered, held_name, node_of, order_name
from weft.schemas.sample import ShardSample
from weft.schemas.table import arrow_schema, to_table

VERSION = "order-4"
FEWEST = 16  # parts of a group, where there are as many
SAMPLED = 64  # parts whose mean size is the estimate for all parts
LENGTHS = [f"{ending}_length" for ending in tar.MEMBERS]
_COLUMNS = ["place", "digest", "tokens", "seconds", "language", "emotion", *NAMED, *LENGTHS]
_OPTIONS: dict[str, Any] = {"compression": "zstd", "write_statistics": False, "write_page_checksum": True}
_LABELS = ("language", "emotion", "speaker")


def write_order(
    store: Store, node: str, parts: int, tar_bytes: float, made_from: MadeFrom, space: str = ""
) -> int:  # fmt: skip
    """Writes the order of a node, and its counts; returns the number of samples. A tar has about `tar_bytes`; `space` is that of the
    speakers' names ("": they are roles of dialogues).
    """
    schema = arrow_schema(Ordered)
    held, digests, counts = [], [], []
    with store.writing(order_name(node)) as file, pq.ParquetWriter(file, schema, **_OPTIONS) as writer:
        layout, repeats = _layout(store, node, parts, tar_bytes), repeats_of(store, node, parts)
        for group, members in enumerate(layout.groups):
            read = [_part(store, part_name(node, part), repeats) for part in members]
            table = _group(read, group, members, layout.buckets, space)
            if len(table):
                writer.write_table(table, row_group_size=len(table))
                held.append(_counted(table))
            digests.append(_digest_of(table))
            counts.append(len(table))
        writer.add_key_value_metadata({"weft.groups": json.dumps(counts)})
    # the counts come last: their digest covers the order too
    notes = {"order": checksum_of(store, order_name(node)), "made_from": json.dumps(made_from)}
    write_part(store, held_name(node), _held(held), HeldAmounts, digest(made_from), digest(digests), notes)
    return sum(counts)


def read_held(store: Store, of: tuple[str, str], pass_number: int) -> list[HeldAmounts]:
    """What one pass of a task and source holds, by language and emotion. Raises FileNotFoundError, and Damaged."""
    task, source = of
    return read_part(store, held_name(node_of(task, pass_number, source)), HeldAmounts)


def damaged_orders(store: Store) -> Iterator[Damaged]:
    """Orders that differ from what was written. All of their rows are read."""
    for name in store.names("order", "-held.parquet"):
        node = name.removesuffix("-held.parquet").replace("order/", "compose/", 1)
        try:
            held, footer = read_part(store, name, HeldAmounts), footer_of(store, name)
            if footer is None or checksum_of(store, order_name(node)) != footer.notes.get("order"):
                yield Damaged(store.url, order_name(node), "has other bytes than were written")
            elif table_digest(to_table(held, HeldAmounts), _digest(store, node)) != footer.digest:
                yield Damaged(store.url, order_name(node), "or its counts hold other rows than were written")
        except (FileNotFoundError, KeyError):
            yield NotMade.missing(store.url, order_name(node))
        except Damaged as damage:
            yield damage


def _digest(store: Store, node: str) -> str:
    """The digest of a node's order, as `write_order` includes it in the digest of the counts."""
    order = Order(store, node)
    names = arrow_schema(Ordered).names
    return digest([_digest_of(order.group(n, names)) for n in range(len(order.begins()) - 1)])


@dataclass(frozen=True)
class _Layout:
    """The parts of each group, and the number of tars of a group."""

    groups: list[list[int]]
    buckets: int


def _layout(store: Store, node: str, parts: int, tar_bytes: float) -> _Layout:
    """The layout of this many parts of their mean size. A new part splits one group in two and renames no tar (linear hashing)."""
    sizes = [_bytes(read_table(store, part_name(node, n), LENGTHS)) for n in range(min(parts, SAMPLED))]
    mean = max(1.0, sum(size.sum() for size in sizes) / max(1, len(sizes)))
    wanted = max(FEWEST, 1 << round(np.log2(max(1.0, tar_bytes / mean))))
    groups: list[list[int]] = [[] for _ in range(max(1, -(-parts // wanted)))]
    for part in range(parts):
        groups[linear(part, len(groups))].append(part)
    return _Layout(groups=groups, buckets=max(1, round(min(parts, wanted) * mean / tar_bytes)))


def _part(store: Store, name: str, repeats: Repeats) -> pa.Table:
    """The columns of a part that its order needs, with the repeat number of each sample."""
    table = read_table(store, name, _COLUMNS)
    numbers = repeats.number(table["place"].to_numpy())
    if numbers.any():
        table = pa.concat_tables(_numbered(store, name, numbers))
    return table.replace_schema_metadata(None).append_column("repeat", pa.array(numbers))


def _numbered(store: Store, name: str, numbers: np.ndarray) -> Iterator[pa.Table]:
    """These columns of a part's samples with their repeat numbers, a slice at a time."""
    for first, table in read_slices(store, name, arrow_schema(ShardSample).names):
        yield with_repeats(table, numbers[first : first + len(table)]).select(_COLUMNS)


def _group(read: Sequence[pa.Table], group: int, parts: Sequence[int], buckets: int, space: str) -> pa.Table:
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


def _digest_of(group: pa.Table) -> str:
    return table_digest(_plain(group))


def _counted(table: pa.Table) -> pa.Table:
    sums = [([], "count_all"), ("tokens", "sum"), ("microseconds", "sum"), ("tokens", "max"), ("microseconds", "max")]
    return _plain(table).group_by(["language", "emotion"]).aggregate(sums)


def _held(tables: Sequence[pa.Table]) -> list[HeldAmounts]:
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


@dataclass(frozen=True)
class Order:
    """A node's order, read a group at a time."""

    store: Store
    node: str

    def begins(self) -> list[int]:
        """The first row of each group, and one past the last row of all."""
        with opened_part(self.store, order_name(self.node)) as file:
            return np.cumsum([0, *self._counts(file)]).tolist()

    def group(self, number: int, columns: Sequence[str]) -> pa.Table:
        """These columns of one group. Raises Damaged."""
        with opened_part(self.store, order_name(self.node)) as file:
            counts = self._counts(file)
            if lost := set(columns) - set(file.schema_arrow.names):
                raise Damaged(self.store.url, order_name(self.node), f"has no column {min(lost)!r}")
            if not counts[number]:
                return file.schema_arrow.empty_table().select(list(columns))
            return file.read_row_group(sum(map(bool, counts[:number])), columns=list(columns), use_threads=False)

    @staticmethod
    def _counts(file: pq.ParquetFile) -> list[int]:
        counts: list[int] = json.loads(file.metadata.metadata[b"weft.groups"])
        return counts
