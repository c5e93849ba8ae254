"""The ledger row of a part: every item and every second that goes in comes out, is rejected or is held out.

account(work, stage, inputs, absent, out, rejects, held)   ->   LedgerRow(node="align/speech", part=3, items_in=1000, …)
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from weft.pipelines.parts.joining import first_of, records_in
from weft.pipelines.stage import Stage
from weft.schemas.counting import counted
from weft.schemas.ledger import TOLERANCE, HeldOutItem, LedgerRow, Reject


class NodePart(Protocol):
    """One part of a node."""

    @property
    def node(self) -> str: ...

    @property
    def part(self) -> int: ...


class Unaccounted(Exception):
    """A stage lost or invented items or seconds: a fault of the stage, never of the data."""


def account(
    work: NodePart, stage: Stage, inputs: list[Any], absent: list[Any], out: list[Any], rejects: list[Reject],
    held: Sequence[HeldOutItem] = (),
) -> LedgerRow:  # fmt: skip
    """The part's ledger row. Raises Unaccounted when an input has no descendant, or one has no input, or seconds differ."""
    firsts, items = list(map(first_of, inputs)), records_in(inputs)
    pieces = Counter([stage.parent(r) for r in out] + [r.key for r in rejects] + [r.key for r in held])
    wanted = Counter(r.key for r in firsts)
    if lost := [key for key, n in wanted.items() if pieces[key] < n]:
        raise Unaccounted(
            f"{work.node} part {work.part}: {counted(len(lost), 'item')} vanished, the first is {lost[0]}"
        )
    if strange := pieces.keys() - wanted.keys():
        raise Unaccounted(
            f"{work.node} part {work.part}: no input has {counted(len(strange), 'item')} such as {min(strange)}"
        )
    seconds_in, seconds_out, seconds_rejected, seconds_held = map(total, (firsts, out, rejects, held))
    gone = seconds_out + seconds_rejected + seconds_held
    row = LedgerRow(
        node=work.node, part=work.part, items_in=items, items_made=pieces.total() - items, items_out=len(out),
        items_rejected=len(rejects), items_held=len(held), items_absent=len(absent), seconds_in=seconds_in,
        seconds_made=gone - seconds_in if stage.makes_seconds else stage.doubled(out), seconds_out=seconds_out,
        seconds_rejected=seconds_rejected, seconds_held=seconds_held, seconds_absent=total(absent),
    )  # fmt: skip
    if fault := row.imbalance():
        raise Unaccounted(fault)
    return row


def total(records: Iterable[Any]) -> float:
    """Seconds of all the records, rounded to the ledger's tolerance."""
    return round(sum(r.seconds for r in records) / TOLERANCE) * TOLERANCE
