"""What the commands print: audits, plans and samples as tables."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from weft.schemas.audit import Audit, StageAudit
from weft.schemas.ledger import Reject


def table(title: str, *columns: str) -> Table:
    """A plain table; the first column is text, the others are figures."""
    made = Table(title=title, title_justify="left", title_style="bold", pad_edge=False)
    for number, column in enumerate(columns):
        made.add_column(column, justify="right" if number else "left", overflow="fold")
    return made


def show_audit(console: Console, audit: Audit) -> None:
    show_ledger(console, audit)
    if audit.rejects:
        show_rejects(console, audit)
    for stage in audit.stages:
        show_mixture(console, stage)
    for fault in audit.faults:
        console.print(f"[red]broken:[/] {escape(fault)}", highlight=False)
    if not audit.faults:
        console.print("[green]every item and every second is accounted for, and every mixture is exact[/]")


def show_lost(console: Console, title: str, rejects: Sequence[Reject]) -> None:
    """What did not come through, by stage and reason."""
    if not rejects:
        return
    rows = table(title, "stage: reason", "items", "for example")
    rows.columns[-1].justify = "left"
    for (stage, reason), items in Counter((r.stage, r.reason) for r in rejects).most_common():
        first = next(r for r in rejects if (r.stage, r.reason) == (stage, reason))
        example = f"{first.path.rsplit('/', 1)[-1]}: {first.detail}"
        rows.add_row(f"{stage}: {reason}", f"{items:,}", escape(example[:110]))
    console.print(rows)


def show_ledger(console: Console, audit: Audit) -> None:
    """Items and seconds: in + made = out + rejected + held out."""
    rows = table(
        "Ledger", "node", "in", "made", "out", "rejected", "held out", "seconds in", "seconds out", "seconds rejected",
        "seconds held out",
    )  # fmt: skip
    for n in audit.nodes:
        counts = (f"{v:,}" for v in (n.items_in, n.items_made, n.items_out, n.items_rejected, n.items_held))
        seconds = (n.seconds_in, n.seconds_out, n.seconds_rejected, n.seconds_held)
        rows.add_row(n.node, *counts, *(f"{v:,.2f}" for v in seconds))
    console.print(rows)


def show_rejects(console: Console, audit: Audit) -> None:
    rows = table("Rejects", "stage: reason", "items", "seconds", "for example")
    for r in audit.rejects:
        rows.add_row(f"{r.stage}: {r.reason}", f"{r.items:,}", f"{r.seconds:,.2f}", escape(r.example[:90]))
    console.print(rows)


def show_mixture(console: Console, stage: StageAudit) -> None:
    title = f"Mixture of {stage.stage}: {stage.size:,.0f} {stage.unit}, {stage.draws:,} draws in {stage.shards} tars"
    rows = table(
        title, "task", "declared", "realised", "tokens", "of tokens", "seconds", "of seconds", "samples",
        f"off ({stage.unit})", "worst prefix", "one sample",
    )  # fmt: skip
    for t in stage.tasks:
        rows.add_row(
            t.task, f"{t.declared:.3%}", f"{t.realised:.3%}", f"{t.tokens:,}", f"{t.token_share:.3%}", f"{t.seconds:,.2f}",
            f"{t.second_share:.3%}", f"{t.samples:,}", f"{t.off:+,.1f}", f"{t.worst:,.1f}", f"{t.sample:,.1f}",
        )  # fmt: skip
    console.print(rows)
