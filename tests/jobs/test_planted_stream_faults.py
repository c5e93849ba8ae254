"""Faults planted in orders, plans, tars and indexes: each is named by the audit, and a build gives back the same bytes.

What is damaged and of the same size, or edited with its marks kept, is mended by `build --verify`; the rest by any build.
"""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.jobs.planting import (
    audit_faults,
    backwards,
    content,
    cut,
    emptied,
    flipped,
    flipped_first,
    garbage,
    longer,
    replace_bytes,
    run,
    shorter,
)  # fmt: skip
from weft.pipelines.storage.checksums import BLANK, KEY, add_checksums_to
from weft.pipelines.storage.store import Store

pytestmark = [pytest.mark.usefixtures("trained"), pytest.mark.faults]

ONE_OF = {
    "order": "order/words/pass-0/speech.parquet",
    "held": "order/words/pass-0/speech-held.parquet",
    "draws": "plan/pretrain.parquet",
    "tree": "plan/pretrain-tree.parquet",
    "leaves": "plan/pretrain-leaves.parquet",
    "tars": "plan/pretrain-tars.parquet",
    "summary": "plan/pretrain.json",
    "tar": "shards/pretrain/train-words~speech-0-00000-00.tar",
    "rows": "shards/pretrain/.index/train-words~speech-0-00000-00.parquet",
    "index": "shards/pretrain/index.parquet",
    "wids": "shards/pretrain/wids.json",
    "validation tar": "shards/validation/validation-words~heldout-v-00000-00.tar",
    "validation index": "shards/validation/index.parquet",
}
HARMS: tuple[Callable[[bytes], bytes], ...] = (
    emptied,
    cut,
    shorter,
    longer,
    flipped,
    flipped_first,
    backwards,
    garbage,
)


def mended(good: Path, corpus: Store, verify: bool) -> None:
    run(good / "recipe.yaml", Path(corpus.root), verify=verify)
    assert content(corpus.root) == content(good / "corpus")


@pytest.mark.parametrize("kind", ONE_OF)
def test_a_file_that_is_missing_is_made_by_any_build(good: Path, corpus: Store, kind: str) -> None:
    corpus.remove(ONE_OF[kind])
    faults = audit_faults(corpus, deep=kind == "order")
    missing = f"{ONE_OF[kind]} is missing; `weft build {corpus.root}/recipe.yaml --out {corpus.root}` makes it"
    assert missing in faults, faults
    mended(good, corpus, verify=False)


@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
@pytest.mark.parametrize("kind", ONE_OF)
def test_a_file_of_other_bytes(good: Path, corpus: Store, kind: str, harm: Callable[[bytes], bytes]) -> None:
    name = ONE_OF[kind]
    replace_bytes(corpus, name, harm)
    faults = audit_faults(corpus, deep=True)
    assert any(name in fault and "--verify` makes it anew" in fault for fault in faults), faults
    mended(good, corpus, verify=True)


def edit(store: Store, name: str, change: Callable[[pa.Table], pa.Table]) -> None:
    """Writes a table anew with its marks kept, and checksums that fit what was written."""
    marks = {
        k: v
        for k, v in pq.ParquetFile(store.path(name)).metadata.metadata.items()
        if k.startswith(b"weft.") and b"checksums" not in k
    }
    table = change(pq.read_table(store.path(name))).replace_schema_metadata(None)
    store.remove(name)  # it is a hard link
    with pq.ParquetWriter(store.path(name), table.schema) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata(marks | {KEY: BLANK})
    add_checksums_to(store.path(name))


def with_column(table: pa.Table, name: str, values: list) -> pa.Table:
    field = table.schema.field(name)
    return table.set_column(table.schema.get_field_index(name), field, pa.array(values, field.type))


EDITS: dict[str, tuple[str, Callable[[pa.Table], pa.Table]]] = {
    "loss lists emptied": ("index", lambda t: with_column(t, "loss", [[]] * len(t))),
    "rows of the index reversed": ("index", lambda t: t.take([*range(len(t))][::-1])),
    "offsets of the index moved": (
        "index",
        lambda t: with_column(t, "json_offset", [n + 512 for n in t["json_offset"].to_pylist()]),
    ),
    "speakers of the index renamed": ("index", lambda t: with_column(t, "speaker", ["x"] * len(t))),
    "checksums of the index set to 0": ("index", lambda t: with_column(t, "crc", [0] * len(t))),
    "a draw fewer": ("draws", lambda t: t.slice(1)),
    "draws of other leaves": ("draws", lambda t: with_column(t, "leaf", [0] * len(t))),
    "shares of the tree": ("tree", lambda t: with_column(t, "share", [1] * len(t))),
    "leaves that drew more": ("leaves", lambda t: with_column(t, "samples", [n + 1 for n in t["samples"].to_pylist()])),
    "tars in reverse": ("tars", lambda t: with_column(t, "rows", [rows[::-1] for rows in t["rows"].to_pylist()])),
    "an order reversed": ("order", lambda t: t.take([*range(len(t))][::-1])),
    "an order of other samples": (
        "order",
        lambda t: with_column(t, "digest", [n + 1 for n in t["digest"].to_pylist()]),
    ),
    "counts doubled": ("held", lambda t: with_column(t, "tokens", [2 * n for n in t["tokens"].to_pylist()])),
    "rows of a tar that say another loss": ("rows", lambda t: with_column(t, "loss", [[0, 1]] * len(t))),
    "rows of a tar that say another speaker": ("rows", lambda t: with_column(t, "speaker", ["x"] * len(t))),
}


@pytest.mark.parametrize("what", EDITS)
def test_a_table_edited_with_its_marks_kept(good: Path, corpus: Store, what: str) -> None:
    kind, change = EDITS[what]
    edit(corpus, ONE_OF[kind], change)
    faults = audit_faults(corpus, deep=True)
    assert any("--verify` makes it anew" in fault for fault in faults), faults
    mended(good, corpus, verify=True)


@pytest.mark.parametrize("kind", ["draws", "tree", "leaves", "tars", "summary"])
def test_a_plan_that_was_changed_makes_no_tar_shorter(good: Path, corpus: Store, kind: str) -> None:
    """Not even by a build that verifies nothing."""
    name = ONE_OF[kind]
    if kind == "summary":
        corpus.write(name, corpus.read(name).replace(b'"drawn": ', b'"drawn": 1'))
    else:
        edit(corpus, name, lambda table: table.slice(1))
    assert any(name in fault for fault in audit_faults(corpus, deep=False))
    mended(good, corpus, verify=False)


def test_two_tars_swapped(good: Path, corpus: Store) -> None:
    first, second = ONE_OF["tar"], "shards/pretrain/train-text~books-0-00000-00.tar"
    one, other = corpus.read(first), corpus.read(second)
    corpus.write(first, other)
    corpus.write(second, one)
    faults = audit_faults(corpus, deep=True)
    assert all(any(name in fault for fault in faults) for name in (first, second))
    mended(good, corpus, verify=True)


def test_a_tar_that_nothing_planned_is_reported_and_removed(good: Path, corpus: Store) -> None:
    corpus.write("shards/pretrain/train-000000.tar", corpus.read(ONE_OF["tar"]))
    assert any("train-000000.tar is not a tar of the plan" in fault for fault in audit_faults(corpus, deep=False))
    mended(good, corpus, verify=False)


@pytest.mark.parametrize("folder", ["order", "plan", "shards", "shards/pretrain/.index", "shards/validation"])
def test_a_whole_folder_that_is_gone(good: Path, corpus: Store, folder: str) -> None:
    for name in corpus.names(folder):
        corpus.remove(name)
    assert audit_faults(corpus, deep=False)
    mended(good, corpus, verify=False)


@pytest.mark.parametrize("kind", ["index", "rows", "validation index"])
def test_a_bit_flipped_anywhere_in_the_footer(good: Path, corpus: Store, kind: str) -> None:
    """The audit that is not deep names it too: the footer's own checksum is compared whenever it is opened."""
    name = ONE_OF[kind]
    whole = corpus.read(name)
    begin = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    places = [*range(begin, len(whole), (len(whole) - begin) // 12), whole.rindex(b"weft.checksums") + 9]
    for at in places:
        replace_bytes(corpus, name, lambda data, at=at: whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert any(name in fault for fault in audit_faults(corpus, deep=False)), at
    mended(good, corpus, verify=True)
