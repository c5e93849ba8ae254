"""Holds what a corpus holds against what was written: parts and all that was committed with them, models, vocabulary.

    list(damaged(store, expected, deep=True))    [Damaged("…/corpus", "align/speech/part-00002.parquet", "has other rows than …")]
    list(missing(store, expected))              what should be there and is not, or was made from something else

Without `deep` only footers and sizes are looked at; `deep` reads every byte and recomputes every digest.
"""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from weft.pipelines.corpus.corpus_folder import MARK, MARKED
from weft.pipelines.corpus.expected import Expected
from weft.pipelines.models.folders import checksum_of, damage_of_model, unknown_files_in
from weft.pipelines.parts.committed import NOTHING, companions_of, digest_of, inputs_of, size_of
from weft.pipelines.parts.hold_out_work import HoldOutWork
from weft.pipelines.parts.slices import opened_bytes, slices_of
from weft.pipelines.parts.stage_work import PartWork
from weft.pipelines.parts.tables import RowsDigest, footer_of, opened_part, read_part
from weft.pipelines.storage.checksums import KEY, content_of_file_matches
from weft.pipelines.storage.damage import Damaged, NotMade, remedy
from weft.pipelines.storage.footer import Footer
from weft.pipelines.storage.own_names import STAGES, is_made_by_weft
from weft.pipelines.storage.store import Store
from weft.schemas.counting import counted
from weft.schemas.item import Item, bucket
from weft.schemas.ledger import LedgerRow, Reject
from weft.schemas.table import arrow_schema, from_table, to_table


def damaged(store: Store, expected: Expected, deep: bool) -> Iterator[Damaged]:
    """Every file that is there and is not as it was written."""
    for name, part, count in expected.listing:
        yield from _listing_part(store, name, part, count, deep)
    for name in expected.locations:
        if store.exists(name) and not store.has_location(name.split("/")[1]):
            yield Damaged(store.url, name, "is not as it was written")
    if store.exists(MARK) and store.read(MARK) != MARKED:
        yield Damaged(store.url, MARK, "is not as it was written")
    for work in expected.parts:
        yield from _part(store, work, deep)
    for folder in expected.models:
        yield from (d for d in damage_of_model(store, folder, deep) if store.exists(d.name))


def missing(store: Store, expected: Expected) -> Iterator[Damaged]:
    """What the recipe and the listing call for and is not there, and parts that were made from other inputs than there are."""
    for name in (MARK, *(name for name, _, _ in expected.listing), *expected.locations):
        if not store.exists(name):
            yield NotMade.missing(store.url, name)
    for work in expected.parts:
        footer = footer_of(store, work.makes)
        names = {work.makes, work.rejects, work.ledger} | set(companions_of(footer) if footer else ())
        yield from (NotMade.missing(store.url, name) for name in sorted(names) if not store.exists(name))
        if footer:
            yield from _other_inputs(store, work, footer)
    for folder in expected.models:
        yield from (d for d in damage_of_model(store, folder, deep=False) if not store.exists(d.name))
    for check in expected.works:
        if isinstance(check, HoldOutWork) and not store.exists(check.makes):
            yield NotMade.missing(store.url, check.makes)
        elif isinstance(check, HoldOutWork) and check.recorded(store) is None:
            yield Damaged(store.url, check.makes, "is not as it was written")


def unknown_files(store: Store, expected: Expected) -> Iterator[str]:
    """Files that nothing in the recipe makes, where they would count as parts or be loaded with a model."""
    own = {name for work in expected.parts for name in (work.makes, work.rejects, work.ledger, work.audio)}
    for name in (name for folder in (*STAGES, "rejects", "ledger") for name in store.names(folder)):
        if name not in own:
            goes = f"; {remedy(store.url, verify=False)} removes it" if is_made_by_weft(name) else ": move it away"
            yield f"{name} is no part of this corpus{goes}"
    for folder in expected.models:
        yield from (f"{name} is no file of this model: move it away" for name in unknown_files_in(store, folder))


def _listing_part(store: Store, name: str, part: int, count: int, deep: bool) -> Iterator[Damaged]:
    if not store.exists(name):
        return
    try:
        _check_rows(store, name, record=Item, extra="", deep=deep)
        if deep and any(bucket(item.key, count) != part for item in read_part(store, name, Item)):
            yield Damaged(store.url, name, "holds items of another part")
    except Damaged as damage:
        yield damage


def _part(store: Store, work: PartWork, deep: bool) -> Iterator[Damaged]:
    """The part, its rejects, its ledger and its audio: each by itself, then all against each other."""
    whole: dict[str, Footer] = {}
    audio = companions_of(footer).get(work.audio) if (footer := footer_of(store, work.makes)) else None
    for name, record, extra in (
        (work.makes, work.stage.makes, audio[1] if audio else NOTHING), (work.rejects, Reject, ""), (work.ledger, LedgerRow, ""),
    ):  # fmt: skip
        try:
            if store.exists(name):
                whole[name] = _check_rows(store, name, record, extra, deep)
        except Damaged as damage:
            yield damage
    if work.makes in whole:
        yield from _companions(store, work, dict(whole), deep)
    if len(whole) == 3:
        try:
            yield from _row_counts(store, work)
        except Damaged as damage:
            yield damage


def _check_rows(store: Store, name: str, record: type, extra: str, deep: bool) -> Footer:
    """A part's own footer; its bytes and rows too if `deep`. Raises Damaged."""
    with opened_part(store, name) as part:
        checksums = (part.metadata.metadata or {}).get(KEY.encode())
    footer = footer_of(store, name)
    if footer is None or checksums is None:
        raise Damaged(store.url, name, "was not written by this version of weft")
    if not deep:
        return footer
    with opened_bytes(store, name) as file:
        if not content_of_file_matches(file, checksums):
            raise Damaged(store.url, name, "has other bytes than were written")
        part = pq.ParquetFile(file, pre_buffer=False)
        if part.schema_arrow.names != arrow_schema(record).names or not _has_digest(part, record, extra, footer.digest):
            raise Damaged(store.url, name, "has other rows than were written")
    return footer


def _has_digest(part: pq.ParquetFile, record: type, extra: str, digest: str) -> bool:
    """As read, or as it would be built again of its records: how Arrow keeps what is null is not content."""
    try:
        return digest in (_digest(part, record, extra, built=built) for built in (False, True))
    except (pa.ArrowException, TypeError):  # types that are not the record's, or nothing where it has something
        return False


def _digest(part: pq.ParquetFile, record: type, extra: str, built: bool) -> str:
    """Of the rows as read, or `built` again of their records; a slice at a time."""
    made = RowsDigest(arrow_schema(record), extra)
    for table in slices_of(part):
        plain = table.replace_schema_metadata(None).cast(arrow_schema(record))
        made.add(to_table(from_table(plain, record), record) if built else plain)
    return made.hexdigest()


def _companions(store: Store, work: PartWork, whole: dict[str, Footer], deep: bool) -> Iterator[Damaged]:
    """What was committed with a part, against what the part says of it."""
    part = whole.pop(work.makes)
    others = {footer.fingerprint for footer in whole.values()}
    if len(whole) == 2 and len(others) == 1 and part.fingerprint not in others:
        yield Damaged(store.url, work.makes, "is of another build than its rejects and its ledger")
        return
    for name, footer in whole.items():
        if footer.fingerprint != part.fingerprint:
            yield Damaged(store.url, name, f"was not written with {work.makes}")
    companions = companions_of(part)
    if not companions:
        yield Damaged(store.url, work.makes, "does not say what was written with it")
    for name, (size, checksum) in companions.items():
        size_now = size_of(store, name)
        if size_now not in (-1, size):
            yield Damaged(store.url, name, f"holds {counted(size_now, 'byte')} where {size:,} were written")
        elif deep and checksum and size_now == size and checksum_of(store, name) != checksum:
            yield Damaged(store.url, name, "has other bytes than were written")


def _row_counts(store: Store, work: PartWork) -> Iterator[Damaged]:
    """How many rows the ledger says against how many there are."""
    rows = read_part(store, work.ledger, LedgerRow)
    if [(row.node, row.part) for row in rows] != [(work.node, work.part)]:
        yield Damaged(store.url, work.ledger, "is not the ledger of this part")
        return
    (row,) = rows
    for name, wanted in ((work.makes, row.items_out), (work.rejects, row.items_rejected)):
        with opened_part(store, name) as part:
            rows_there = part.metadata.num_rows
        if rows_there != wanted:
            yield Damaged(store.url, name, f"holds {counted(rows_there, 'row')} where the ledger says {wanted:,}")


def _other_inputs(store: Store, work: PartWork, footer: Footer) -> Iterator[Damaged]:
    for name, digest in inputs_of(footer).items():
        try:
            digest_now = digest_of(store, name)
        except FileNotFoundError:  # missing or damaged, which is reported for itself
            continue
        if digest_now != digest:
            yield NotMade(store.url, work.makes, f"was made from another {name}")
