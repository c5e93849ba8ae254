"""The audit of the ledger: items and seconds that went into each node, came out and were rejected, and whether they add up.

nodes_of(store, pipeline, expected, faults)  ->  (NodeAudit("ingest/speech", items_in=12, items_out=11, items_rejected=1, …), …)
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeVar

from weft.pipelines.corpus.expected import Expected
from weft.pipelines.graph import Pipeline
from weft.pipelines.parts.tables import read_part
from weft.pipelines.storage.damage import Damaged, remedy
from weft.pipelines.storage.own_names import STAGES
from weft.pipelines.storage.store import Store
from weft.schemas.audit import NodeAudit, RejectCount
from weft.schemas.counting import counted
from weft.schemas.ledger import TOLERANCE, LedgerRow, Reject

R = TypeVar("R")


def nodes_of(store: Store, pipeline: Pipeline, expected: Expected, faults: list[str]) -> tuple[NodeAudit, ...]:
    """The ledger by node, for all expected parts. `verify` reports missing parts."""
    rows: dict[str, list[LedgerRow]] = {}
    for work in expected.parts:
        for row in _read(store, work.ledger, LedgerRow, faults):
            if row.node == work.node:
                rows.setdefault(row.node, []).append(row)
                faults.extend([f"ledger: {fault}; {remedy(store.url)}"] if (fault := row.imbalance()) else [])
    faults.extend(_flow_faults(pipeline, rows))
    return tuple(_node(node, rows[node]) for node in sorted(rows, key=_depth))


def _read(store: Store, name: str, record: type[R], faults: list[str]) -> list[R]:
    """A part's records; none if it is missing (`verify` reports it) or damaged (reported here, once)."""
    try:
        return read_part(store, name, record)
    except FileNotFoundError:
        return []
    except Damaged as damage:
        if not any(fault.startswith(f"{name} ") for fault in faults):
            faults.append(str(damage))
        return []


def _depth(node: str) -> tuple[int, str]:
    return STAGES.index(node.split("/")[0]), node


def _flow_faults(pipeline: Pipeline, rows: dict[str, list[LedgerRow]]) -> Iterator[str]:
    """Compares what left a stage with what reached the next, in items and in seconds."""
    inputs = {node.name: node.inputs[0].node for s in pipeline.sources for node in pipeline.nodes(s)}
    for node, of in rows.items():
        source = inputs.get(node) or pipeline.first_input(node)
        if source not in rows:
            continue
        left, came = sum(r.items_out for r in rows[source]), sum(r.items_in + r.items_absent for r in of)
        if came != left:
            yield f"{counted(left, 'item')} left {source} and {came:,} reached {node}"
        out, reached = sum(r.seconds_out for r in rows[source]), sum(r.seconds_in + r.seconds_absent for r in of)
        if abs(out - reached) > TOLERANCE * (1 + left + came):
            yield f"{out:,.6f} s left {source} and {reached:,.6f} reached {node}"


def _node(node: str, rows: list[LedgerRow]) -> NodeAudit:
    def total(field: str) -> float:
        return sum(getattr(r, field) for r in rows)

    return NodeAudit(
        node=node, items_in=int(total("items_in")), items_made=int(total("items_made")), items_out=int(total("items_out")),
        items_rejected=int(total("items_rejected")), items_held=int(total("items_held")), seconds_in=total("seconds_in"),
        seconds_out=total("seconds_out"), seconds_rejected=total("seconds_rejected"), seconds_held=total("seconds_held"),
    )  # fmt: skip


def rejects_of(store: Store, expected: Expected, faults: list[str]) -> tuple[RejectCount, ...]:
    counts: dict[tuple[str, str], RejectCount] = {}
    for name in (work.rejects for work in expected.parts):
        for reject in _read(store, name, Reject, faults):
            stage, reason = key = (name.split("/")[1], reject.reason)
            example = f"{reject.path}: {reject.detail}"
            old = counts.get(key, RejectCount(stage=stage, reason=reason, items=0, seconds=0.0, example=example))
            counts[key] = replace(old, items=old.items + 1, seconds=old.seconds + reject.seconds)
            if not reject.reason:
                faults.append(f"{name}: {reject.key} was rejected without a reason")
    return tuple(counts[key] for key in sorted(counts, key=lambda k: (_depth(k[0]), k[1])))
