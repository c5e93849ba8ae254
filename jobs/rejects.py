"""`weft rejects`: the rejected items of a corpus with their reasons; and the summary of rejects at the end of a build.

rejects_of(store, pipeline, RejectFilter(reason="truncated"))   ->   RejectRow("ingest/speech", Reject("clip-3fa0", …)), …
"""

import json
import re
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
from weft.pipelines.parts.node_manifest import Manifests, manifest_footer
from weft.pipelines.parts.stage_work import REJECTED, PartWork
from weft.pipelines.parts.tables import footer_of, opened_part, part_name, read_part, read_table
from weft.pipelines.storage.damage import Damaged
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Utterance
from weft.schemas.counting import are, counted
from weft.schemas.faults import RecipeError
from weft.schemas.ledger import LedgerRow, Reject

R = TypeVar("R")
_PASS = re.compile(r"/pass-\d+")
_KINDS = 8  # kinds of rejects (reason and node) that the end of a build lists


@dataclass(frozen=True, slots=True)
class RejectFilter:
    """Selects rejects; an empty field selects all."""

    reason: str = ""
    source: str = ""

    def passes(self, reject: Reject) -> bool:
        return self.reason in ("", reject.reason) and self.source in ("", reject.source)


@dataclass(frozen=True, slots=True)
class RejectRow:
    """A reject and the node that rejected it."""

    node: str
    reject: Reject


def rejects_of(store: Store, pipeline: Pipeline, wanted: RejectFilter | None = None) -> Iterator[RejectRow]:
    """The selected rejects of all parts, in the order of the work; of unfinished ones those so far. Raises Damaged."""
    wanted = wanted or RejectFilter()
    for work in _with_rejects(store, Expected.of(store, pipeline).parts):
        yield from (RejectRow(work.node, reject) for reject in _rejects(store, work) if wanted.passes(reject))


def _with_rejects(store: Store, works: Sequence[PartWork]) -> Iterator[PartWork]:
    """The parts with rejects, by their footers or manifests. The others, which are most, are not read."""
    for work in works:
        footer = manifest_footer(store, work.makes) if store.manifests else None
        if footer and footer.notes.get(REJECTED) == "0":
            continue
        with suppress(FileNotFoundError), opened_part(store, _rejects_name(store, work)) as part:
            if part.metadata.num_rows:
                yield work


def _rejects(store: Store, work: PartWork) -> list[Reject]:
    return _read(store, _rejects_name(store, work), Reject)


def _rejects_name(store: Store, work: PartWork) -> str:
    """The rejects of a part or, where it is not made because some of its items could not be read, those of its other items."""
    kept = f"unfinished/{work.rejects}"
    with suppress(FileNotFoundError, Damaged):
        if not store.exists(work.makes) and (footer := footer_of(store, kept)):
            return kept if footer.fingerprint == work.fingerprint(store) else work.rejects
    return work.rejects


def _unmade(store: Store, pipeline: Pipeline) -> int:
    """How many parts are not there, so that not all of their rejects are known."""
    return sum(not store.exists(work.makes) for work in Expected.of(store, pipeline).parts)


def _read(store: Store, name: str, record: type[R]) -> list[R]:
    """The records of a part; none where it does not exist."""
    try:
        return read_part(store, name, record)
    except FileNotFoundError:
        return []


def show_rejects(
    console: Console, store: Store, pipeline: Pipeline, wanted: RejectFilter, limit: int = 50, as_json: bool = False
) -> None:
    """Prints at most `limit` rejects (0: all), and counts of all. Raises RecipeError for an unknown source."""
    if wanted.source and wanted.source not in pipeline.sources:
        known = ", ".join(pipeline.sources)
        raise RecipeError(f"--source {wanted.source}: the corpus has no such source; known: {known}")
    store.manifests = Manifests(store)
    selected = rejects_of(store, pipeline, wanted)
    rows = list(islice(selected, limit or None))
    counts: Counter[tuple[str, str]] = Counter()
    rest = 0
    for number, row in enumerate(chain(rows, selected)):
        counts[row.node, row.reject.reason] += 1
        rest += number >= len(rows)
    unmade = _unmade(store, pipeline)
    if as_json:
        record = {**_record(rows, counts, rest), "unmade_parts": unmade}
        print(plain_json(json.dumps(record, indent=1, ensure_ascii=False)))
        return
    if rows:
        _show(console, rows, counts, rest)
    else:
        console.print(cell(_nothing(store, pipeline, wanted)), highlight=False)
    if unmade:
        missing = f"{counted(unmade, 'part')} {are(unmade)} not made yet, and may reject more"
        console.print(f"{missing}: `weft status {cell(quote(store.url))}` shows which", highlight=False)


def _nothing(store: Store, pipeline: Pipeline, wanted: RejectFilter) -> str:
    """Why no reject is shown: there is none, or none that was asked for. Names the reasons that there are."""
    reasons = sorted({row.reject.reason for row in rejects_of(store, pipeline)})
    if not reasons:
        return "nothing was rejected so far" if _unmade(store, pipeline) else "nothing was rejected"
    asked = " ".join(f"--{name} {value}" for name, value in asdict(wanted).items() if value)
    return f"no reject is of {asked}; reasons in this corpus: {', '.join(reasons)}"


def _record(rows: list[RejectRow], counts: Counter[tuple[str, str]], rest: int) -> dict[str, object]:
    return {
        "counts": [{"node": node, "reason": reason, "items": n} for (node, reason), n in counts.most_common()],
        "rejects": [{"node": row.node, **asdict(row.reject)} for row in rows],
        "more": rest,
    }


def _show(console: Console, rows: list[RejectRow], counts: Counter[tuple[str, str]], rest: int) -> None:
    shown = table("Rejects", "stage/source", "item", "file", "reason", "detail")
    for column in shown.columns:
        column.justify = "left"
    for row in rows:
        r = row.reject
        shown.add_row(*map(cell, (row.node, r.key, r.path, r.reason, r.detail)))
    console.print(shown)
    more_line(console, rest)
    by_reason = table("By reason", "stage/source: reason", "items")
    for (node, reason), items in counts.most_common():
        by_reason.add_row(cell(f"{node}: {reason}"), f"{items:,}")
    console.print(by_reason)


def show_end(console: Console, store: Store, pipeline: Pipeline) -> list[str]:
    """Prints, at the end of a build, counts by stage and source, and reason, and the command that lists the rejects.

    Returns a sentence for each source and each language of which a stage rejected everything, after printing them.
    """
    store.manifests = Manifests(store)
    works = Expected.of(store, pipeline).parts
    with_rejects = list(_with_rejects(store, works))
    if not with_rejects:
        return []
    counts = Counter((w.node, reject.reason) for w in with_rejects for reject in _rejects(store, w))
    kinds = _first_passes(counts)
    listed = ", ".join(f"{items:,} {reason} ({node})" for (node, reason), items in kinds.most_common(_KINDS))
    others = f" and {counted(len(kinds) - _KINDS, 'more kind')}" if len(kinds) > _KINDS else ""
    show = f"`weft rejects {quote(store.url)}` shows them"
    console.print(f"rejected: {cell(listed)}{others}; {cell(show)}", highlight=False)
    before_samples = [w for w in works if not w.node.startswith("compose/")]
    lost = [*_lost_sources(store, before_samples, counts), *_lost_languages(store, before_samples, with_rejects)]
    for sentence in lost:
        console.print(f"[red]{cell(sentence)}[/]", highlight=False)
    return lost


def _first_passes(counts: Counter[tuple[str, str]]) -> Counter[tuple[str, str]]:
    """Each kind once: the passes of a task over a source reject the same utterances again and again."""
    first: dict[tuple[str, str], tuple[str, str]] = {}
    for node, reason in counts:
        first.setdefault((_PASS.sub("", node), reason), (node, reason))
    return Counter({kind: counts[kind] for kind in first.values()})


def _lost_sources(store: Store, works: Sequence[PartWork], counts: Counter[tuple[str, str]]) -> Iterator[str]:
    """A sentence for each source of which a stage rejected everything."""
    nodes = {node for node, _ in counts}
    passed, rejected = Counter[str](), Counter[str]()
    for work in (w for w in works if w.node in nodes):
        for row in _read(store, work.ledger, LedgerRow):
            passed[work.node] += row.items_out + row.items_held
            rejected[work.node] += row.items_rejected
    for node in (node for node in rejected if not passed[node]):
        reasons = ", ".join(f"{n:,} {reason}" for (of, reason), n in counts.most_common() if of == node)
        yield f"source {node.rpartition('/')[2]}: {node.partition('/')[0]} rejected all of it ({reasons})"


def _lost_languages(store: Store, works: Sequence[PartWork], with_rejects: Sequence[PartWork]) -> Iterator[str]:
    """A sentence for each language of a source of which a stage rejected every utterance, but not every utterance of the source."""
    parts: dict[str, list[PartWork]] = {}
    for work in works:
        parts.setdefault(work.node, []).append(work)
    for node, mine in ((n, parts[n]) for n in dict.fromkeys(w.node for w in with_rejects) if n in parts):
        if mine[0].inputs[0].record is not Utterance:
            continue
        rejected = {r.key for w in with_rejects if w.node == node for r in _rejects(store, w)}
        utterances = [row for w in mine for row in _languages(store, part_name(w.inputs[0].node, w.part))]
        before = Counter(row["language"] for row in utterances)
        rejected_by_language = Counter(row["language"] for row in utterances if row["key"] in rejected)
        lost = [language for language, n in before.items() if language and n == rejected_by_language[language]]
        stage, _, source = node.partition("/")
        if len(lost) < len(before):  # otherwise the whole source is lost
            yield from (
                f"language {of}: {stage} rejected all {counted(before[of], 'utterance')} of {source}" for of in lost
            )


def _languages(store: Store, name: str) -> list[dict[str, str]]:
    try:
        return read_table(store, name, ["key", "language"]).to_pylist()
    except FileNotFoundError:
        return []
