"""The ledger's half of the audit: what each node took in, gave and refused, and whether it adds up.

nodes_of(store, house, faults)  ->  (NodeAudit("ingest/speech", items_in=12, items_out=11, items_rejected=1, …), …)
"""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from weft.pipelines.graph import STAGES, House
from weft.pipelines.parts import read_part
from weft.pipelines.store import Store
from weft.schemas.audit import NodeAudit, RejectCount
from weft.schemas.ledger import LedgerRow, Reject


def nodes_of(store: Store, house: House, faults: list[str]) -> tuple[NodeAudit, ...]:
    rows: dict[str, list[LedgerRow]] = {}
    for name in store.names("ledger", ".parquet"):
        for row in read_part(store, name, LedgerRow):
            rows.setdefault(row.node, []).append(row)
            faults.extend(_part_faults(store, name, row))
    faults.extend(_flow_faults(house, rows))
    return tuple(_node(node, rows[node]) for node in sorted(rows, key=_depth))


def _depth(node: str) -> tuple[int, str]:
    return STAGES.index(node.split("/")[0]), node


def _part_faults(store: Store, ledger: str, row: LedgerRow) -> Iterator[str]:
    """The row against itself, the part it speaks of, and the part's rejects."""
    if fault := row.imbalance():
        yield f"ledger: {fault}"
    part = ledger.removeprefix("ledger/")
    for name, wanted in ((part, row.items_out), (f"rejects/{part}", row.items_rejected)):
        if not store.exists(name):
            yield f"{name} is missing; build again to make it"
        elif (found := _rows(store, name)) is None:
            yield f"{name} cannot be read: remove it and build again"
        elif found != wanted:
            yield f"{name} holds {found} rows where the ledger says {wanted}"


def _rows(store: Store, name: str) -> int | None:
    """How many rows a part holds; None when its footer is broken."""
    try:
        with store.open(name) as file:
            return pq.ParquetFile(file).metadata.num_rows
    except pa.ArrowInvalid:
        return None


def _flow_faults(house: House, rows: dict[str, list[LedgerRow]]) -> Iterator[str]:
    """What left a stage against what reached the next."""
    left = {node: sum(r.items_out for r in of) for node, of in rows.items()}
    inputs = {node: ins[0].node for s in house.sources for node, _, ins, _ in house.stages(s)}
    for node, of in rows.items():
        source = inputs.get(node) or house.first_input(node)
        came = sum(r.items_in + r.items_absent for r in of)
        if source in left and came != left[source]:
            yield f"{left[source]} items left {source} and {came} reached {node}"


def _node(node: str, rows: list[LedgerRow]) -> NodeAudit:
    def total(field: str) -> float:
        return sum(getattr(r, field) for r in rows)

    return NodeAudit(
        node, int(total("items_in")), int(total("items_made")), int(total("items_out")), int(total("items_rejected")),
        total("seconds_in"), total("seconds_out"), total("seconds_rejected"),
    )  # fmt: skip


def rejects_of(store: Store, faults: list[str]) -> tuple[RejectCount, ...]:
    counts: dict[tuple[str, str], RejectCount] = {}
    for name in store.names("rejects", ".parquet"):
        for reject in read_part(store, name, Reject):
            key = (name.split("/")[1], reject.reason)
            old = counts.get(key, RejectCount(*key, 0, 0.0, f"{reject.path}: {reject.detail}"))
            counts[key] = RejectCount(*key, old.items + 1, old.seconds + reject.seconds, old.example)
            if not reject.reason:
                faults.append(f"{name}: {reject.key} was rejected without a reason")
    return tuple(counts[key] for key in sorted(counts, key=lambda k: (_depth(k[0]), k[1])))
