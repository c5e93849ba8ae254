"""Audits a corpus: compares every file with what was written, checks the ledger, and compares each stream with its mixture.

    audit(store, pipeline)  ->  Audit(stages=…, nodes=…, rejects=…, faults=())

Everything is read a chunk at a time, so memory does not grow with the corpus. `deep` reads every byte.
"""

from collections.abc import Iterator

import pyarrow as pa

from weft.pipelines.corpus.expected import Expected
from weft.pipelines.corpus.verify import damaged, missing, unknown_files
from weft.pipelines.graph import Pipeline
from weft.pipelines.mixing.accounts import nodes_of, rejects_of
from weft.pipelines.mixing.column_checks import SampleRules
from weft.pipelines.mixing.deep import damaged_tars
from weft.pipelines.mixing.leaks import leak
from weft.pipelines.mixing.order import damaged_orders
from weft.pipelines.mixing.plan_files import plan_name
from weft.pipelines.mixing.refusals import refusal_of
from weft.pipelines.mixing.split_names import keys_by_split, speakers_by_split, texts_by_split
from weft.pipelines.mixing.stream_audit import StreamAudit
from weft.pipelines.mixing.stream_shares import shares_of
from weft.pipelines.models.folders import damage_of_model
from weft.pipelines.parts.unread import noted_unread
from weft.pipelines.storage.damage import Damaged
from weft.pipelines.storage.store import Store
from weft.schemas.audit import Audit, LeakAudit, StageAudit
from weft.schemas.counting import counted
from weft.schemas.plan import VALIDATION_STAGE
from weft.schemas.vocabulary import Vocabulary


def audit(store: Store, pipeline: Pipeline, deep: bool = False) -> Audit:
    """Compares declared with realised shares, and checks the ledger."""
    expected = Expected.of(store, pipeline)
    faults = [str(damage) for find in (damaged(store, expected, deep), missing(store, expected)) for damage in find]
    faults += unknown_files(store, expected)
    nodes = nodes_of(store, pipeline, expected, faults)
    rejects = rejects_of(store, expected, faults)
    streams = streams_of(store, pipeline)
    refused = [*_refused(store, pipeline)]
    faults += refused
    streams = [stream for stream in streams if not refused or store.exists(plan_name(stream.name))]
    stages = tuple(audit for stream in streams if (audit := _stream(stream, faults)))
    if deep:
        faults += map(str, damaged_orders(store))
        faults += map(str, damaged_samples(store, streams, pipeline))
    shared = _leaks(store, pipeline, faults)
    return Audit(
        corpus=store.url, stages=stages, nodes=nodes, rejects=rejects, leaks=shared,
        unread=tuple(noted_unread(store, expected.works)), faults=tuple(dict.fromkeys(faults)),
    )  # fmt: skip


def _refused(store: Store, pipeline: Pipeline) -> Iterator[str]:
    """Stages whose data did not suffice, and why; then those that were not planned because of them. Another build does not help."""
    stages = [name for name in pipeline.recipe.stages_in_order if not store.exists(plan_name(name))]
    whys = {name: why for name in stages if (why := refusal_of(store, name, pipeline.recipe.training[name]))}
    yield from (f"{why}; `weft build` was ended by this, and plans it once that is changed" for why in whys.values())
    if whys:
        yield from (f"stage {name!r}: not planned, as the build ended before" for name in stages if name not in whys)


def streams_of(store: Store, pipeline: Pipeline) -> list[StreamAudit]:
    """The audit of every stage's stream, and of the held-out stream."""
    named, spaces = pipeline.recipe.training.items(), pipeline.speaker_spaces
    streams = [
        StreamAudit(store=store, name=name, stage=stage, before=pipeline.recipe.before(name), spaces=spaces)
        for name, stage in named
    ]
    held_out = [StreamAudit(store, VALIDATION_STAGE, None)] if pipeline.validation_nodes else []
    return [*streams, *held_out]


def _stream(stream: StreamAudit, faults: list[str]) -> StageAudit | None:
    """Adds the faults of a stage to `faults`. Returns its shares; None where its plan or its index cannot be read, or is of another
    version.
    """
    if other := stream.other_version():
        faults.append(other)
        return None
    before = len(faults)
    faults.extend(map(str, stream.damaged_plan()))
    if len(faults) > before:
        return None
    faults.extend(map(str, stream.misplaced_draws()))
    faults.extend(map(str, stream.damaged_tars()))
    faults.extend(stream.unknown_tars())
    faults.extend(map(str, stream.damaged_index()))
    try:
        return shares_of(stream, faults)
    except (Damaged, FileNotFoundError, KeyError, pa.ArrowInvalid):  # reported above
        return None


def damaged_samples(store: Store, streams: list[StreamAudit], pipeline: Pipeline) -> Iterator[Damaged]:
    """Tars whose samples differ from their index rows, have other placeholders than the encoders give, or lack the answer that their
    task keeps.

    Does nothing without a vocabulary, which limits the ids.
    """
    if any(damage_of_model(store, "vocabulary", deep=True)):
        return
    size = Vocabulary.from_json(store.read("vocabulary/vocabulary.json").decode()).size
    answered = frozenset(name for name, task in pipeline.tasks.items() if task.keeps_answer)
    rules = SampleRules(vocabulary=size, encoders=pipeline.encoders, answered=answered)
    for stream in streams:
        if not (stream.other_version() or any(stream.damaged_plan())):
            yield from damaged_tars(store, stream.name, rules)


def _leaks(store: Store, pipeline: Pipeline, faults: list[str]) -> tuple[LeakAudit, ...]:
    """Names that lie in two splits. A key in two splits is a fault."""
    held_out = [VALIDATION_STAGE] if store.exists(plan_name(VALIDATION_STAGE)) else []
    tables = {
        "key": lambda: keys_by_split(store, [*pipeline.recipe.training, *held_out]),
        "speaker": lambda: speakers_by_split(store, pipeline),
        "text": lambda: texts_by_split(store, pipeline),
    }
    leaks = []
    for kind, named in tables.items():
        try:
            leaks.append(leak(kind, named))
        except (Damaged, FileNotFoundError):  # an index, reported above
            continue
    faults.extend(
        f"{counted(leak.names, 'key')} {'lies' if leak.names == 1 else 'lie'} in two splits, such as {leak.examples[0]}"
        for leak in leaks
        if leak.kind == "key" and leak.names
    )
    return tuple(LeakAudit(kind=leak.kind, names=leak.names, examples=leak.examples) for leak in leaks if leak.names)
