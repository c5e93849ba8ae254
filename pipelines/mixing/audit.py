"""Audits a corpus from its ledger, plans and indexes; `deep` opens the tars too.

    audit(store, house)  ->  Audit(stages=…, nodes=…, rejects=…, faults=())

Everything is read a chunk at a time, so memory does not grow with the corpus.
"""

from weft.pipelines.graph import House
from weft.pipelines.mixing.accounts import nodes_of, rejects_of
from weft.pipelines.mixing.deep import check_tars
from weft.pipelines.mixing.plan import plan_name
from weft.pipelines.mixing.stream_audit import StreamAudit
from weft.pipelines.store import Store
from weft.schemas.audit import Audit
from weft.schemas.plan import VALIDATION_STAGE


def audit(store: Store, house: House, deep: bool = False) -> Audit:
    """Declared against realised, and the ledger."""
    faults: list[str] = []
    nodes = nodes_of(store, house, faults)
    rejects = rejects_of(store, faults)
    streams = [
        StreamAudit(store, name, stage, house.recipe.before(name)) for name, stage in house.recipe.training.items()
    ]
    stages = tuple(found for stream in streams if (found := stream.run(faults)))
    if store.exists(plan_name(VALIDATION_STAGE)):
        streams.append(StreamAudit(store, VALIDATION_STAGE, None))
        streams[-1].run(faults)
    if deep:
        for stream in streams:
            faults += check_tars(store, stream.name)
    return Audit(store.url, stages, nodes, rejects, tuple(faults))
