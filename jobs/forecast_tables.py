"""`weft plan`: what a recipe would build and how long it takes, as tables or JSON. Nothing is built."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from math import inf

from rich.console import Console

from weft.jobs import costs
from weft.jobs.forecast import Supply, holdings, supplies
from weft.jobs.holdings import Holding
from weft.jobs.known_rejects import reject_sentences
from weft.jobs.printing import plain, plain_json
from weft.jobs.published import ComparisonRow, conflicts, lines
from weft.jobs.published_tables import show_published_stage, verdict
from weft.jobs.shortages import shortages
from weft.jobs.show import clock_time, show_passed_over, table
from weft.pipelines.corpus.hold_out import check_listing
from weft.pipelines.graph import Pipeline
from weft.pipelines.sources.base import Source
from weft.schemas.counting import counted
from weft.schemas.training import TrainingStage

HEADERS = 10_000  # headers read of each source; sums of a larger source are scaled up


def show_forecast(
    console: Console, pipeline: Pipeline, as_json: bool = False, absent: Collection[str] = ()
) -> list[str]:
    """Prints the tables and then the shortages; returns the shortages. Sources that are `absent` hold nothing and are short of nothing.

    Raises SplitError for a share that holds out no name or every name, as far as the listings have names.
    """
    for space in pipeline.spaces:
        if not set(space.splits) & set(absent):
            check_listing(space, pipeline.sources)
    held = holdings(pipeline, HEADERS, absent)
    sentences = [] if absent else shortages(pipeline, held)
    if as_json:
        print(plain_json(json.dumps(_record(pipeline, held, sentences), indent=1, ensure_ascii=False)))
        return sentences
    present = {name: source for name, source in pipeline.sources.items() if name not in absent}
    if present:
        _show_sources(console, {name: held[name] for name in present}, present)
    for sentence in reject_sentences(pipeline, {name: h.rejects for name, h in held.items()}):
        console.print(plain(sentence), highlight=False, markup=False)
    for name in dict.fromkeys((*pipeline.recipe.published.stages, *pipeline.recipe.training)):
        if name in pipeline.recipe.published.stages:
            show_published_stage(console, pipeline, name, held)
        elif not absent:
            _show_stage(console, pipeline, name, pipeline.recipe.training[name], held)
    for sentence in conflicts(pipeline.recipe):
        console.print(plain(f"conflict: {sentence}"), highlight=False, markup=False)
    if not absent:
        console.print(
            f"one core, embedded backends, about: {_times(costs.stage_times(pipeline, held))}", highlight=False
        )
        if training := costs.training_times(pipeline, held):
            console.print(f"models, one core, about: {_times(training)}", highlight=False)
    for sentence in sentences:
        console.print(plain(sentence), highlight=False, markup=False)
    return sentences


def _times(seconds: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {clock_time(amount)}" for name, amount in seconds.items())


def _record(pipeline: Pipeline, held: Mapping[str, Holding], sentences: Sequence[str]) -> dict[str, object]:
    return {
        "sources": {name: _holding_as_json(h) for name, h in held.items()},
        "stages": {n: [_as_json(s) for s in supplies(pipeline, n, dict(held))] for n in pipeline.recipe.training},
        "seconds_on_one_core": {
            **costs.stage_times(pipeline, dict(held)),
            **costs.training_times(pipeline, dict(held)),
        },
        "too_little_data": list(sentences),
        "published": {
            name: [_line_as_json(line) for line in lines(pipeline.recipe, name)]
            for name in pipeline.recipe.published.stages
        },
        "conflicts": list(conflicts(pipeline.recipe)),
    }


def _holding_as_json(holding: Holding) -> dict[str, object]:
    """What turns and fields hold is for the estimates alone."""
    record = asdict(replace(holding, speakers={})) | {"speakers": len(holding.speakers) or None}
    return {key: value for key, value in record.items() if key not in ("turns", "fields")}


def _line_as_json(line: ComparisonRow) -> dict[str, object]:
    """`declared` and `published` in tokens, `published_share` of the sampling; null where nothing is published."""
    return {
        "task": line.name,
        "declared": line.declared,
        "share": line.share,
        "published": line.published.amount if line.published else None,
        "published_share": line.published.share if line.published else None,
        "second_hand": line.is_second_hand,
    }


def _as_json(supply: Supply) -> dict[str, object]:
    """As JSON; unknown and infinite values are null."""
    extra = {"passes": supply.passes, "speakers_give": supply.speakers.allowed if supply.speakers else None}
    record = asdict(replace(supply, speakers=None)) | extra
    del record["speakers"]
    return {key: None if value == inf else value for key, value in record.items()}


def _show_sources(console: Console, held: dict[str, Holding], sources: Mapping[str, Source]) -> None:
    rows = table("Sources", "source", "items", "read", "documents or utterances", "hours", "text MB", "length unknown")
    for name, h in held.items():
        rows.add_row(
            name, f"{h.items:,.0f}", f"{h.read:,}", f"{h.records:,.0f}", f"{h.seconds / 3600:,.3f}",
            f"{h.bytes / 1e6:,.2f}", f"{h.unreadable:,.0f}",
        )  # fmt: skip
    console.print(rows)
    for name, h in held.items():
        if h.unreadable:
            left_out = f"{name}: the length of {counted(h.unreadable, 'item')} is not known before the build, and is in no figure"
            console.print(
                plain(f"{left_out} (tars, urls, datasets, and files of which no header can be read)"), markup=False
            )
    show_passed_over(console, sources)


def _show_stage(
    console: Console, pipeline: Pipeline, name: str, stage: TrainingStage, held: dict[str, Holding]
) -> None:
    mixture = stage.mixture
    rows = table(
        f"Stage {name}: {float(mixture.size):,.0f} {mixture.unit}", "task", "share", f"declared {mixture.unit}",
        "one pass holds", "passes so far", "verdict",
    )  # fmt: skip
    for s in supplies(pipeline, name, held):
        cells = (f"{s.share:.2%}", f"{s.wanted:,.0f}", f"{s.has:,.0f}", f"{s.passes:,.2f}")
        rows.add_row(s.name, *cells, verdict(s, mixture) if s.is_bound or s.has_few_speakers else "")
    console.print(rows)
