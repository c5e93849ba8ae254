"""The audit of the shares of one stage's stream: those realised beside those of the recipe, and the epochs.

shares_of(StreamAudit(store, "pretrain", stage), faults)    ->  StageAudit("pretrain", tasks=(TaskAudit("words", …), …), …)
"""

from collections.abc import Iterator

import pyarrow as pa

from weft.pipelines.mixing.plan_files import read_leaves, read_summary, read_tars, read_tree
from weft.pipelines.mixing.plan_request import shown_unit, size_of
from weft.pipelines.mixing.shards import index_name, tar_name
from weft.pipelines.mixing.shares import COLUMNS, Shares
from weft.pipelines.mixing.stream_audit import StreamAudit
from weft.pipelines.parts.tables import opened_part
from weft.schemas.audit import EpochAudit, StageAudit
from weft.schemas.counting import are, counted
from weft.schemas.plan import Summary
from weft.schemas.training import TrainingStage


def shares_of(stream: StreamAudit, faults: list[str]) -> StageAudit | None:
    """The realised shares beside the declared ones; None for the held-out stream. Adds what breaks a promise to `faults`."""
    if not (stage := stream.stage):
        return None
    store, name = stream.store, stream.name
    tars, summary = read_tars(store, name), read_summary(store, name)
    shares = Shares(read_tree(store, name), stage, stream.spaces)
    with opened_part(store, index_name(name)) as index:
        for batch in index.iter_batches(50_000, columns=COLUMNS):
            shares.add(pa.Table.from_batches([batch]))
    faults.extend(_mixture_faults(name, stage, shares, summary))
    sizes = (store.size(tar_name(name, t)) for t in tars if store.exists(tar_name(name, t)))
    return StageAudit(
        stage=name, unit=stage.mixture.unit, size=float(stage.mixture.size), draws=summary.draws, shards=len(tars),
        bytes=sum(sizes), ended=summary.ended, tasks=shares.tasks(), shares=shares.nodes(), groups=shares.groups(),
        epochs=_epochs(stream),
    )  # fmt: skip


def _mixture_faults(name: str, stage: TrainingStage, shares: Shares, summary: Summary) -> Iterator[str]:
    unit, scale = shown_unit(stage)
    if shares.rows_outside_mixture:
        rows = f"{counted(shares.rows_outside_mixture, 'row')} {are(shares.rows_outside_mixture)}"
        yield f"{index_name(name)}: {rows} of no task and source of the mixture"
    for node in shares.beyond_tolerance():
        worst, allowed = shares.worst(node) / scale, shares.allowed(node) / scale
        yield f"{name}: {node.path} differs by {worst:,.0f} {unit} from its share; one sample is {allowed:,.0f}"
    for over in shares.over_bound():
        fills = f"fills {over.cost / scale:,.0f} of the {over.given / scale:,.0f} {unit} of {over.task}"
        share = f"{over.cost / over.given:.2%}, where `most: {{speaker: {over.most:g}}}` is declared"
        yield f"{name}: speaker {over.speaker!r} {fills}: {share}"
    if shares.cost != summary.drawn:
        yield f"{name}: the stream holds {shares.cost / scale:,.0f} {unit}, its plan {summary.drawn / scale:,.0f}"
    if not summary.ended and shares.cost < size_of(stage):
        yield f"{name}: the stream holds {shares.cost / scale:,.0f} of {size_of(stage) / scale:,.0f} {unit}"


def _epochs(stream: StreamAudit) -> tuple[EpochAudit, ...]:
    """Epochs by task and source, over this stage and those in whose data it goes on."""
    samples: dict[tuple[str, str], int] = {}
    held: dict[tuple[str, str], int] = {}
    skipped: dict[tuple[str, str], int] = {}
    mine = read_leaves(stream.store, stream.name)
    earlier = [leaf for stage in stream.before for leaf in read_leaves(stream.store, stage)]
    for leaf in (*earlier, *mine):
        samples[leaf.task, leaf.source] = samples.get((leaf.task, leaf.source), 0) + leaf.samples
    for leaf in mine:
        held[leaf.task, leaf.source] = held.get((leaf.task, leaf.source), 0) + leaf.held
        skipped[leaf.task, leaf.source] = skipped.get((leaf.task, leaf.source), 0) + leaf.skipped
    return tuple(
        EpochAudit(
            task=task, source=source, epochs=samples[task, source] / max(1, count), skipped=skipped[task, source]
        )
        for (task, source), count in held.items()
    )
