"""`weft rejects`: what a corpus refused and why; and what a build says of it at its end.

rejects_of(store, pipeline, Wanted(reason="truncated"))   ->   Row("ingest/speech", Reject("clip-3fa0", …)), …
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import chain, islice
from shlex import quote
from typing import TypeVar

from rich.console import Console

from weft.jobs.printing import plain_json
from weft.jobs.show import cell, more_line, table
from weft.pipelines.corpus.expected import Expected
from weft.pipelines.graph import Pipeline
from weft.pipelines.parts.node_manifest import Manifests
from weft.pipelines.parts.stage_work import REJECTED, PartWork
from weft.pipelines.parts.tables import manifest_footer, opened_part, part_name, read_part, read_table
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Utterance
from weft.schemas.counting import counted
from weft.schemas.faults import RecipeError
from weft.schemas.ledger import LedgerRow, Reject

R = TypeVar("R")
_KINDS = 8  # of rejects that the end of a build counts


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


def rejects_of(store: Store, pipeline: Pipeline, wanted: Wanted | None = None) -> Iterator[Row]:
    """Every reject that is asked for, in the order of the work; of parts that are not made there are none. Raises Damaged."""
    wanted = wanted or Wanted()
    for work in _with_rejects(store, Expected.of(store, pipeline).parts):
        yield from (Row(work.node, reject) for reject in _read(store, work.rejects, Reject) if wanted.passes(reject))


def _with_rejects(store: Store, works: Sequence[PartWork]) -> Iterator[PartWork]:
    """The parts that rejected something, as their footers or manifests say: most rejected nothing and are not read."""
    for work in works:
        stamp = manifest_footer(store, work.makes) if store.manifests else None
        if stamp and stamp.notes.get(REJECTED) == "0":
            continue
        with suppress(FileNotFoundError), opened_part(store, work.rejects) as part:
            if part.metadata.num_rows:
                yield work


def _read(store: Store, name: str, record: type[R]) -> list[R]:
    """A part's records; none of one that is not made."""
    try:
        return read_part(store, name, record)
    except FileNotFoundError:
        return []


def show_rejects(
    console: Console, store: Store, pipeline: Pipeline, wanted: Wanted, limit: int = 50, as_json: bool = False
) -> None:
    """A row a reject, at most `limit` (0: all), and counts of all. Raises RecipeError for a source that is not there."""
    if wanted.source and wanted.source not in pipeline.sources:
        there = ", ".join(pipeline.sources)
        raise RecipeError(f"--source {wanted.source}: the corpus has no such source; there are {there}")
    store.manifests = Manifests(store)
    found = rejects_of(store, pipeline, wanted)
    rows = list(islice(found, limit or None))
    counts: Counter[tuple[str, str]] = Counter()
    rest = 0
    for number, row in enumerate(chain(rows, found)):
        counts[row.node, row.reject.reason] += 1
        rest += number >= len(rows)
    if as_json:
        print(plain_json(json.dumps(_record(rows, counts, rest), indent=1, ensure_ascii=False)))
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


def show_end(console: Console, store: Store, pipeline: Pipeline) -> list[str]:
    """At the end of a build: counts by node and reason, and the command that shows more.

    Returns a sentence for each source and each language of which a stage rejected everything, after printing them.
    """
    store.manifests = Manifests(store)
    works = Expected.of(store, pipeline).parts
    refusing = list(_with_rejects(store, works))
    if not refusing:
        return []
    counts = Counter((w.node, reject.reason) for w in refusing for reject in _read(store, w.rejects, Reject))
    listed = ", ".join(f"{items:,} {reason} ({node})" for (node, reason), items in counts.most_common(_KINDS))
    others = f" and {counted(len(counts) - _KINDS, 'more kind')}" if len(counts) > _KINDS else ""
    show = f"`weft rejects {quote(store.url)}` shows them"
    console.print(f"rejected: {cell(listed)}{others}; {cell(show)}", highlight=False)
    before_samples = [w for w in works if not w.node.startswith("compose/")]
    lost = [*_lost_sources(store, before_samples, counts), *_lost_languages(store, before_samples, refusing)]
    for sentence in lost:
        console.print(f"[red]{cell(sentence)}[/]", highlight=False)
    return lost


def _lost_sources(store: Store, works: Sequence[PartWork], counts: Counter[tuple[str, str]]) -> Iterator[str]:
    """The sources of which a stage let nothing pass."""
    refusing = {node for node, _ in counts}
    passed, refused = Counter[str](), Counter[str]()
    for work in (w for w in works if w.node in refusing):
        for row in _read(store, work.ledger, LedgerRow):
            passed[work.node] += row.items_out + row.items_held
            refused[work.node] += row.items_rejected
    for node in (node for node in refused if not passed[node]):
        reasons = ", ".join(f"{n:,} {reason}" for (of, reason), n in counts.most_common() if of == node)
        yield f"source {node.rpartition('/')[2]}: {node.partition('/')[0]} rejected all of it ({reasons})"


def _lost_languages(store: Store, works: Sequence[PartWork], refusing: Sequence[PartWork]) -> Iterator[str]:
    """The languages of a source of which a stage rejected every utterance, though it let others pass."""
    parts: dict[str, list[PartWork]] = {}
    for work in works:
        parts.setdefault(work.node, []).append(work)
    for node, mine in ((n, parts[n]) for n in dict.fromkeys(w.node for w in refusing) if n in parts):
        if mine[0].inputs[0].record is not Utterance:
            continue
        rejected = {r.key for w in refusing if w.node == node for r in _read(store, w.rejects, Reject)}
        spoken = [row for w in mine for row in _languages(store, part_name(w.inputs[0].node, w.part))]
        before = Counter(row["language"] for row in spoken)
        refused = Counter(row["language"] for row in spoken if row["key"] in rejected)
        gone = [language for language, n in before.items() if language and n == refused[language]]
        stage, _, source = node.partition("/")
        if len(gone) < len(before):  # else the whole source is
            yield from (
                f"language {of}: {stage} rejected all {counted(before[of], 'utterance')} of {source}" for of in gone
            )


def _languages(store: Store, name: str) -> list[dict[str, str]]:
    try:
        return read_table(store, name, ["key", "language"]).to_pylist()
    except FileNotFoundError:
        return []
