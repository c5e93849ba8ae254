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
import pyarrow.parquet as pq

from weft.pipelines.mixing.order_groups import COLUMNS, LENGTHS, amounts_of, digest_of, group_of, held_of, layout_of
from weft.pipelines.mixing.repeats import Repeats, repeats_of, with_repeats
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
from weft.schemas.changes import MadeFrom
from weft.schemas.fingerprint import digest
from weft.schemas.plan import HeldAmounts, Ordered, held_name, node_of, order_name
from weft.schemas.sample import ShardSample
from weft.schemas.table import arrow_schema, to_table

VERSION = "order-4"
SAMPLED = 64  # parts whose mean size is the estimate for all parts
_OPTIONS: dict[str, Any] = {"compression": "zstd", "write_statistics": False, "write_page_checksum": True}


def write_order(
    store: Store, node: str, parts: int, tar_bytes: float, made_from: MadeFrom, space: str = ""
) -> int:  # fmt: skip
    """Writes the order of a node, and its counts; returns the number of samples. A tar has about `tar_bytes`; `space` is that of the
    speakers' names ("": they are roles of dialogues).
    """
    schema = arrow_schema(Ordered)
    held, digests, counts = [], [], []
    with store.writing(order_name(node)) as file, pq.ParquetWriter(file, schema, **_OPTIONS) as writer:
        sampled = [read_table(store, part_name(node, n), LENGTHS) for n in range(min(parts, SAMPLED))]
        layout, repeats = layout_of(parts, sampled, tar_bytes), repeats_of(store, node, parts)
        for group, members in enumerate(layout.groups):
            read = [_part(store, part_name(node, part), repeats) for part in members]
            table = group_of(read, group, parts=members, buckets=layout.buckets, space=space)
            if len(table):
                writer.write_table(table, row_group_size=len(table))
                held.append(amounts_of(table))
            digests.append(digest_of(table))
            counts.append(len(table))
        writer.add_key_value_metadata({"weft.groups": json.dumps(counts)})
    # the counts come last: their digest covers the order too
    notes = {"order": checksum_of(store, order_name(node)), "made_from": json.dumps(made_from)}
    write_part(
        store,
        held_name(node),
        held_of(held),
        record=HeldAmounts,
        fingerprint=digest(made_from),
        extra=digest(digests),
        notes=notes,
    )
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
    return digest([digest_of(order.group(n, names)) for n in range(len(order.begins()) - 1)])


def _part(store: Store, name: str, repeats: Repeats) -> pa.Table:
    """The columns of a part that its order needs, with the repeat number of each sample."""
    table = read_table(store, name, COLUMNS)
    numbers = repeats.number(table["place"].to_numpy())
    if numbers.any():
        table = pa.concat_tables(_numbered(store, name, numbers))
    return table.replace_schema_metadata(None).append_column("repeat", pa.array(numbers))


def _numbered(store: Store, name: str, numbers: np.ndarray) -> Iterator[pa.Table]:
    """These columns of a part's samples with their repeat numbers, a slice at a time."""
    for first, table in read_slices(store, name, arrow_schema(ShardSample).names):
        yield with_repeats(table, numbers[first : first + len(table)]).select(COLUMNS)


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
