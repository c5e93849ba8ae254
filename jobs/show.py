"""What the commands print: audits, plans and samples as tables."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta

from rich.console import Console
from rich.table import Table

from weft.jobs.failures import unread_lines
from weft.jobs.printing import escape
from weft.pipelines.sources.base import Source
from weft.schemas.audit import Audit, NodeAudit, StageAudit
from weft.schemas.counting import counted
from weft.schemas.ledger import Reject

_PASS = re.compile(r"/pass-\d+/")
_FAULTS = 50  # faults of a corpus that are printed
_MISSING = 5  # of those that are missing files


def table(title: str, *columns: str) -> Table:
    """A plain table; the first column is text, the others are figures."""
    grid = Table(title=title, title_justify="left", title_style="bold", pad_edge=False)
    for number, column in enumerate(columns):
        grid.add_column(column, justify="right" if number else "left", overflow="fold")
    return grid


def cell(text: object) -> str:
    """Data as text that is safe to print: brackets in it are not markup."""
    return escape(str(text))


def clock_time(seconds: float) -> str:
    """`0:01:05`"""
    return str(timedelta(seconds=round(seconds)))


def more_line(console: Console, more: int) -> None:
    """Prints how many rows a limit left out."""
    if more:
        console.print(f"… and {more:,} more; `--limit 0` shows all", highlight=False)


def show_audit(console: Console, audit: Audit) -> None:
    show_ledger(console, audit)
    if audit.rejects:
        show_rejects(console, audit)
    for stage in audit.stages:
        show_mixture(console, stage)
    show_leaks(console, audit)
    for line in unread_lines(audit.unread):
        console.print(f"[yellow]{cell(line)}[/]", highlight=False)
    show_faults(console, audit)
    if not audit.faults:
        console.print("[green]every item and every second is accounted for[/]")
    for stage in () if audit.faults else audit.stages:
        if stage.ended:
            console.print(f"[yellow]{stage.stage} stopped short:[/] {cell(stage.ended)}", highlight=False)
        else:
            console.print(f"[green]{stage.stage}: {_proved(stage)}[/]")


def _proved(stage: StageAudit) -> str:
    """What the audit compared at every prefix, in the words of docs/mixtures.md."""
    exact = f"at every prefix of the stream each task is within one sample of its share, in {stage.unit}"
    below = (
        "; inside a task each source or group is within one sample of its share of what the task has drawn"
        if stage.shares
        else ""
    )
    if stage.unit in ("samples", "weights"):
        return exact + below
    one = "(1 - w) times the task's longest sample plus w times the longest of all, with w the task's share"
    return f"{exact}{below}. Where samples differ in size, that one is {one} (column `allowed`)"


def show_lost(console: Console, title: str, rejects: Sequence[Reject]) -> None:
    """Prints rejects, counted by stage and reason."""
    if not rejects:
        return
    rows = table(title, "stage: reason", "items", "for example")
    rows.columns[-1].justify = "left"
    for (stage, reason), items in Counter((r.stage, r.reason) for r in rejects).most_common():
        first = next(r for r in rejects if (r.stage, r.reason) == (stage, reason))
        example = f"{first.path.rsplit('/', 1)[-1]}: {first.detail}"
        rows.add_row(f"{stage}: {reason}", f"{items:,}", cell(example[:110]))
    console.print(rows)


def show_passed_over(console: Console, sources: Mapping[str, Source]) -> None:
    """Prints how many files each source's listing skipped, by ending."""
    for name, source in sources.items():
        if passed := source.passed_over():
            total = sum(passed.values())
            each = ", ".join(f"{n:,} {ending or 'without an ending'}" for ending, n in Counter(passed).most_common())
            line = f"source {name} skipped {counted(total, 'file')} of other kinds: {each}"
            console.print(escape(line), highlight=False)


def show_faults(console: Console, audit: Audit) -> None:
    """Prints what is broken. Many missing files are what an interrupted build leaves: they are counted, with what goes on."""
    missing = [fault for fault in audit.faults if " is missing" in fault]
    listed = audit.faults if len(missing) <= _MISSING else [f for f in audit.faults if f not in set(missing[_MISSING:])]
    for fault in listed[:_FAULTS]:
        console.print(f"[red]broken:[/] {cell(fault)}", highlight=False)
    if (more := len(listed) - _FAULTS) > 0:
        console.print(f"[red]broken:[/] … and {more:,} more; `--json` has them all", highlight=False)
    if files := len(audit.faults) - len(listed):
        goes_on = "a build that was interrupted goes on with the same `weft build`"
        console.print(f"[red]broken:[/] … and {files:,} more files are missing: {goes_on}", highlight=False)


def show_ledger(console: Console, audit: Audit) -> None:
    """Prints items and seconds: in + generated = out + rejected + held out. The passes of a task over a source are one row."""
    rows = table(
        "Ledger", "stage/source", "passes", "in", "generated", "out", "rejected", "held out", "seconds in", "seconds out",
        "seconds rejected", "seconds held out",
    )  # fmt: skip
    by_node: dict[str, list[NodeAudit]] = {}
    for node in audit.nodes:
        by_node.setdefault(_PASS.sub("/", node.node), []).append(node)
    for name, of in by_node.items():
        counts = ("items_in", "items_made", "items_out", "items_rejected", "items_held")
        seconds = ("seconds_in", "seconds_out", "seconds_rejected", "seconds_held")
        figures = [f"{sum(getattr(n, field) for n in of):,}" for field in counts]
        figures += [f"{sum(getattr(n, field) for n in of):,.2f}" for field in seconds]
        rows.add_row(cell(name), f"{len(of):,}" if name != of[0].node else "", *figures)
    console.print(rows)


def show_rejects(console: Console, audit: Audit) -> None:
    rows = table("Rejects", "stage: reason", "items", "seconds", "for example")
    for r in audit.rejects:
        rows.add_row(f"{r.stage}: {r.reason}", f"{r.items:,}", f"{r.seconds:,.2f}", cell(r.example[:90]))
    console.print(rows)


def show_mixture(console: Console, stage: StageAudit) -> None:
    draws, tars = counted(stage.draws, "draw"), counted(stage.shards, "tar")
    title = f"Mixture of {stage.stage}: {stage.size:,.0f} {stage.unit}, {draws} in {tars}"
    rows = table(
        title, "task", "declared", "realised", "tokens", "of tokens", "seconds", "of seconds", "samples",
        f"difference ({stage.unit})", "largest difference at any point", "allowed",
    )  # fmt: skip
    for t in stage.tasks:
        rows.add_row(
            t.task, f"{t.declared:.3%}", f"{t.realised:.3%}", f"{t.tokens:,}", f"{t.token_share:.3%}", f"{t.seconds:,.2f}",
            f"{t.second_share:.3%}", f"{t.samples:,}", f"{t.off:+z,.1f}", f"{t.worst:,.1f}", f"{t.sample:,.1f}",
        )  # fmt: skip
    console.print(rows)
    show_shares(console, stage)
    show_groups(console, stage)


def show_shares(console: Console, stage: StageAudit) -> None:
    """Prints the shares of sources and groups inside the tasks. A tilde marks a measured or rounded share (to 2**-32)."""
    rows = table(
        f"Inside the tasks of {stage.stage}", "task/source/…", "share", "realised", "samples",
        f"largest difference at any point ({stage.unit})", "allowed", "epochs",
    )  # fmt: skip
    epochs = {
        f"{e.task}/{e.source}": f"{e.epochs:,.2f}{f', {e.skipped:,} skipped' if e.skipped else ''}"
        for e in stage.epochs
    }
    for s in stage.shares:
        share = f"{'~' if s.rounded else ''}{s.declared:.3%}"
        figures = (f"{s.samples:,}", f"{s.worst:,.1f}", f"{s.sample:,.1f}")
        rows.add_row(cell(s.path), share, f"{s.realised:.3%}", *figures, epochs.get(s.path, ""))
    console.print(rows)


def show_leaks(console: Console, audit: Audit) -> None:
    """Prints names in two splits. This is expected of speakers where items are held out, and of texts that several speakers read."""
    if not audit.leaks:
        return
    rows = table("In two splits", "what", "names", "for example")
    rows.columns[-1].justify = "left"
    for leak in audit.leaks:
        rows.add_row(leak.kind, f"{leak.names:,}", cell(leak.examples[0]))
    console.print(rows)


def show_groups(console: Console, stage: StageAudit, most: int = 10) -> None:
    """Prints the largest `most` sources, languages, speakers and splits."""
    rows = table(f"Held by {stage.stage}", "what", "samples", "tokens", "of tokens", "seconds")
    for kind in dict.fromkeys(g.kind for g in stage.groups):
        some = [g for g in stage.groups if g.kind == kind]
        for g in some[:most]:
            name = f"{kind} {f'{g.value}(no name)' if g.value.endswith('/') else g.value or 'unknown'}"
            rows.add_row(cell(name), f"{g.samples:,}", f"{g.tokens:,}", f"{g.token_share:.3%}", f"{g.seconds:,.2f}")
        if len(some) > most:
            rest = some[most:]
            tokens, share = sum(g.tokens for g in rest), sum(g.token_share for g in rest)
            counts = (
                f"{sum(g.samples for g in rest):,}",
                f"{tokens:,}",
                f"{share:.3%}",
                f"{sum(g.seconds for g in rest):,.2f}",
            )
            rows.add_row(f"{kind}: {len(rest):,} more", *counts)
    console.print(rows)
