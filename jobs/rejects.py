"""`weft rejects`: what a corpus refused and why; and what a build says of it at its end.

rejects_of(store, house, Wanted(reason="truncated"))   ->   Row("ingest/speech", Reject("clip-3fa0", …)), …
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import chain, islice
from shlex import quote

from rich.console import Console

from weft.jobs.show import cell, more_line, table
from weft.pipelines.expected import expected_parts
from weft.pipelines.graph import House
from weft.pipelines.parts import read_part, read_table
from weft.pipelines.partwork import PartWork
from weft.pipelines.store import Store
from weft.schemas.audio import Utterance
from weft.schemas.faults import RecipeError
from weft.schemas.ledger import LedgerRow, Reject


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rejects are asked for; an empty field lets all pass."""

    reason: str = ""
    source: str = ""

    def passes(self, reject: Reject) -> bool:
        return self.reason in ("", reject.reason) and self.source in ("", reject.source)


@dataclass(frozen=True, slots=True)
class Row:
    """A reject and the node that refused it."""

    node: str
    reject: Reject


def rejects_of(store: Store, house: House, wanted: Wanted | None = None) -> Iterator[Row]:
    """Every reject that is asked for, in the order of the work; of parts that are not made there are none. Raises Damaged."""
    wanted = wanted or Wanted()
    for work, _ in _with_rejects(store, house):
        yield from (Row(work.node, reject) for reject in _read(store, work.rejects, Reject) if wanted.passes(reject))


def _with_rejects(store: Store, house: House) -> Iterator[tuple[PartWork, LedgerRow]]:
    """The parts that rejected something, as their ledger says."""
    for work in expected_parts(store, house):
        yield from ((work, row) for row in _read(store, work.ledger, LedgerRow) if row.items_rejected)


def _read(store: Store, name: str, record: type) -> list:  # type: ignore[type-arg]
    try:
        return read_part(store, name, record)
    except FileNotFoundError:
        return []


def show_rejects(
    console: Console, store: Store, house: House, wanted: Wanted, limit: int = 50, as_json: bool = False
) -> None:
    """A row a reject, at most `limit` (0: all), and counts of all. Raises RecipeError for a source that is not there."""
    if wanted.source and wanted.source not in house.sources:
        there = ", ".join(house.sources)
        raise RecipeError(f"--source {wanted.source}: the corpus has no such source; there are {there}")
    found = rejects_of(store, house, wanted)
    rows = list(islice(found, limit or None))
    counts: Counter[tuple[str, str]] = Counter()
    rest = 0
    for number, row in enumerate(chain(rows, found)):
        counts[row.node, row.reject.reason] += 1
        rest += number >= len(rows)
    if as_json:
        print(json.dumps(_record(rows, counts, rest), indent=1, ensure_ascii=False))
    else:
        _show(console, rows, counts, rest)


def _record(rows: list[Row], counts: Counter[tuple[str, str]], rest: int) -> dict[str, object]:
    return {
        "counts": [{"node": node, "reason": reason, "items": n} for (node, reason), n in counts.most_common()],
        "rejects": [{"node": row.node, **asdict(row.reject)} for row in rows],
        "more": rest,
    }


def _show(console: Console, rows: list[Row], counts: Counter[tuple[str, str]], rest: int) -> None:
    if not rows:
        console.print("nothing was rejected")
        return
    shown = table("Rejects", "node", "item", "file", "reason", "detail")
    for column in shown.columns:
        column.justify = "left"
    for row in rows:
        r = row.reject
        shown.add_row(*map(cell, (row.node, r.key, r.path, r.reason, r.detail)))
    console.print(shown)
    more_line(console, rest)
    by_reason = table("By reason", "node: reason", "items")
    for (node, reason), items in counts.most_common():
        by_reason.add_row(cell(f"{node}: {reason}"), f"{items:,}")
    console.print(by_reason)


def show_end(console: Console, store: Store, house: House) -> list[str]:
    """At the end of a build: counts by node and reason, and the command that shows more.

    Returns a sentence for each source and each language of which a stage rejected everything, after printing them.
    """
    rows = list(_with_rejects(store, house))
    if not rows:
        return []
    counts = Counter((row.node, row.reject.reason) for row in rejects_of(store, house))
    listed = ", ".join(f"{items:,} {reason} ({node})" for (node, reason), items in counts.most_common(8))
    others = f" and {len(counts) - 8} more kinds" if len(counts) > 8 else ""
    show = f"`weft rejects {quote(store.url)}` shows them"
    console.print(f"rejected: {cell(listed)}{others}; {cell(show)}", highlight=False)
    lost = [*_lost_sources(store, house, counts), *_lost_languages(store, rows)]
    for sentence in lost:
        console.print(f"[red]{cell(sentence)}[/]", highlight=False)
    return lost


def _lost_sources(store: Store, house: House, counts: Counter[tuple[str, str]]) -> Iterator[str]:
    """The sources of which a stage before the samples let nothing pass."""
    totals: dict[str, Counter[str]] = {}
    for work in expected_parts(store, house):
        for row in _read(store, work.ledger, LedgerRow) if not work.node.startswith("compose/") else ():
            total = totals.setdefault(work.node, Counter())
            total.update({"in": row.items_in, "out": row.items_out + row.items_held, "rejected": row.items_rejected})
    for node, total in totals.items():
        if total["rejected"] and not total["out"]:
            reasons = ", ".join(f"{n:,} {reason}" for (of, reason), n in counts.most_common() if of == node)
            source = node.rpartition("/")[2]
            yield f"source {source}: {node.partition('/')[0]} rejected all of it ({reasons})"


def _lost_languages(store: Store, rows: list[tuple[PartWork, LedgerRow]]) -> Iterator[str]:
    """The languages of a source of which a stage rejected every utterance, though it let others pass."""
    nodes: dict[str, PartWork] = {w.node: w for w, _ in rows if w.inputs[0].record is Utterance}
    for node, one in nodes.items():
        if node.startswith("compose/"):
            continue
        before, refused = Counter[str](), Counter[str]()
        rejected = {r.key for work, _ in rows if work.node == node for r in _read(store, work.rejects, Reject)}
        for name in store.names(one.inputs[0].node, ".parquet"):
            spoken = read_table(store, name, ["key", "language"]).to_pylist()
            before.update(u["language"] for u in spoken)
            refused.update(u["language"] for u in spoken if u["key"] in rejected)
        gone = [language for language, n in before.items() if language and n == refused[language]]
        if len(gone) < len(before):  # else the whole source is
            stage, _, source = node.partition("/")
            yield from (f"language {of}: {stage} rejected all {before[of]:,} utterances of {source}" for of in gone)
