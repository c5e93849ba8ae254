"""Audits a corpus: every file against what was written, the ledger, and each stage's stream against its mixture.

    audit(store, house)  ->  Audit(stages=…, nodes=…, rejects=…, faults=())

Everything is read a chunk at a time, so memory does not grow with the corpus. `deep` reads every byte.
"""

from collections.abc import Iterator

import pyarrow as pa

from weft.pipelines.expected import Expected
from weft.pipelines.graph import House
from weft.pipelines.mixing.accounts import nodes_of, rejects_of
from weft.pipelines.mixing.deep import damaged_tars
from weft.pipelines.mixing.leaks import COLUMNS, leaks
from weft.pipelines.mixing.order import damaged_orders
from weft.pipelines.mixing.plan import plan_name
from weft.pipelines.mixing.shards import index_name
from weft.pipelines.mixing.stream_audit import StreamAudit
from weft.pipelines.models import damage_of_model
from weft.pipelines.parts import opened_part
from weft.pipelines.store import Damaged, Store
from weft.pipelines.unread import noted_unread
from weft.pipelines.verify import damaged, missing, strangers
from weft.schemas.audit import Audit, LeakAudit, StageAudit
from weft.schemas.plan import VALIDATION_STAGE
from weft.schemas.vocabulary import Vocabulary


def audit(store: Store, house: House, deep: bool = False) -> Audit:
    """Declared against realised, and the ledger."""
    expected = Expected.of(store, house)
    faults = [str(damage) for find in (damaged(store, expected, deep), missing(store, expected)) for damage in find]
    faults += strangers(store, expected)
    nodes = nodes_of(store, house, expected, faults)
    rejects = rejects_of(store, expected, faults)
    streams = streams_of(store, house)
    stages = tuple(found for stream in streams if (found := _stream(stream, faults)))
    if deep:
        faults += map(str, damaged_orders(store))
        faults += map(str, damaged_samples(store, streams))
    shared = _leaks(store, house, faults)
    return Audit(
        corpus=store.url, stages=stages, nodes=nodes, rejects=rejects, leaks=shared,
        unread=tuple(noted_unread(store, expected.works)), faults=tuple(dict.fromkeys(faults)),
    )  # fmt: skip


def streams_of(store: Store, house: House) -> list[StreamAudit]:
    """Every stage's, and that of what is held out."""
    named = house.recipe.training.items()
    streams = [StreamAudit(store, name, stage, house.recipe.before(name)) for name, stage in named]
    held_out = [StreamAudit(store, VALIDATION_STAGE, None)] if house.validation_nodes else []
    return [*streams, *held_out]


def _stream(stream: StreamAudit, faults: list[str]) -> StageAudit | None:
    """Adds what is wrong with a stage; its shares, unless its plan or its index cannot be read."""
    before = len(faults)
    faults.extend(map(str, stream.damaged_plan()))
    if len(faults) > before:
        return None
    faults.extend(map(str, stream.damaged_tars()))
    faults.extend(stream.strangers())
    faults.extend(map(str, stream.damaged_index()))
    try:
        return stream.shares(faults)
    except (Damaged, FileNotFoundError, KeyError, pa.ArrowInvalid):  # told above
        return None


def damaged_samples(store: Store, streams: list[StreamAudit]) -> Iterator[Damaged]:
    """Tars whose samples are not what their rows say. Without a vocabulary no id can be judged."""
    if any(damage_of_model(store, "vocabulary", deep=True)):
        return
    size = Vocabulary.from_json(store.read("vocabulary/vocabulary.json").decode()).size
    for stream in streams:
        if not any(stream.damaged_plan()):
            yield from damaged_tars(store, stream.name, size)


def _leaks(store: Store, house: House, faults: list[str]) -> tuple[LeakAudit, ...]:
    """Names that lie in two splits; a key that does is a broken promise."""
    if not store.exists(plan_name(VALIDATION_STAGE)):
        return ()
    names = [index_name(stage) for stage in (*house.recipe.training, VALIDATION_STAGE)]

    def tables() -> Iterator[pa.Table]:
        for name in names:
            with opened_part(store, name) as index:
                yield from (pa.Table.from_batches([batch]) for batch in index.iter_batches(50_000, columns=COLUMNS))

    try:
        found = leaks(tables, house.speaker_spaces)
    except (Damaged, FileNotFoundError):  # told above
        return ()
    faults.extend(
        f"{leak.names:,} keys lie in two splits, such as {leak.examples[0]}" for leak in found if leak.kind == "key"
    )
    return tuple(LeakAudit(kind=leak.kind, names=leak.names, examples=leak.examples) for leak in found)
