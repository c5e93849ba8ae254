"""`weft plan`: what a recipe would build and how long it takes, as tables or JSON. Nothing is built."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from math import inf

from rich.console import Console

from weft.jobs import costs
from weft.jobs.first_look import first_look
from weft.jobs.forecast import Supply, supplies
from weft.jobs.known_rejects import reject_sentences
from weft.jobs.printing import plain, plain_json
from weft.jobs.published import ComparisonRow, conflicts, lines
from weft.jobs.published_tables import show_published_stage, verdict
from weft.jobs.shortages import shortages, unknown_amounts
from weft.jobs.show import clock_time, show_passed_over, table
from weft.jobs.source_sizes import SourceSize
from weft.jobs.token_rates import RATES
from weft.pipelines.graph import Pipeline
from weft.pipelines.sources.base import Source
from weft.schemas.counting import counted
from weft.schemas.splits import SPLITS
from weft.schemas.training import TrainingStage


def show_forecast(console: Console, pipeline: Pipeline, as_json: bool, absent: Mapping[str, str]) -> list[str]:
    """Prints what the recipe is, the tables and then the shortages; returns the shortages.

    Sources that are `absent` hold nothing and are short of nothing; `absent` says why by name.

    Raises SplitError as first_look does.
    """
    sizes = first_look(pipeline, absent)
    sentences = [] if absent else shortages(pipeline, sizes)
    unknown = [] if absent else unknown_amounts(pipeline, sizes)
    if as_json:
        record = {**_record(pipeline, sizes, sentences), "not_known": unknown, "absent": dict(absent)}
        print(plain_json(json.dumps(record, indent=1, ensure_ascii=False)))
        return sentences
    if pipeline.recipe.description:
        console.print(plain(f"{pipeline.recipe.name}: {pipeline.recipe.description}"), highlight=False, markup=False)
    present = {name: source for name, source in pipeline.sources.items() if name not in absent}
    if present:
        _show_sources(console, {name: sizes[name] for name in present}, present)
    for sentence in reject_sentences(pipeline, {name: size.rejects for name, size in sizes.items()}):
        console.print(plain(sentence), highlight=False, markup=False)
    for name in dict.fromkeys((*pipeline.recipe.published.stages, *pipeline.recipe.training)):
        if name in pipeline.recipe.published.stages:
            show_published_stage(console, pipeline, name, sizes)
        elif not absent:
            _show_stage(console, pipeline, name, stage=pipeline.recipe.training[name], sizes=sizes)
    if present and any(stage.mixture.unit in ("tokens", "batches") for stage in pipeline.recipe.training.values()):
        console.print(plain(f"{RATES}{_measured(sizes)}"), highlight=False, markup=False)
    for sentence in conflicts(pipeline.recipe):
        console.print(plain(f"conflict: {sentence}"), highlight=False, markup=False)
    if not absent:
        console.print(
            f"one core, embedded backends, about: {_times(costs.stage_times(pipeline, sizes))}", highlight=False
        )
        if training := costs.training_times(pipeline, sizes):
            console.print(f"models, one core, about: {_times(training)}", highlight=False)
    for sentence in (*unknown, *sentences):
        console.print(plain(sentence), highlight=False, markup=False)
    return sentences


def _measured(sizes: Mapping[str, SourceSize]) -> str:
    rates = [f"{size.bytes_a_token:.3g} in {name}" for name, size in sizes.items() if size.bytes_a_token]
    return f" (measured: {', '.join(rates)})" if rates else ""


def _times(seconds: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {clock_time(amount)}" for name, amount in seconds.items())


def _record(pipeline: Pipeline, sizes: Mapping[str, SourceSize], sentences: Sequence[str]) -> dict[str, object]:
    return {
        "sources": {name: _size_as_json(size) for name, size in sizes.items()},
        "stages": {n: [_as_json(s) for s in supplies(pipeline, n, dict(sizes))] for n in pipeline.recipe.training},
        "seconds_on_one_core": {
            **costs.stage_times(pipeline, dict(sizes)),
            **costs.training_times(pipeline, dict(sizes)),
        },
        "too_little_data": list(sentences),
        "published": {
            name: [_line_as_json(line) for line in lines(pipeline.recipe, name)]
            for name in pipeline.recipe.published.stages
        },
        "conflicts": list(conflicts(pipeline.recipe)),
    }


def _size_as_json(size: SourceSize) -> dict[str, object]:
    """What turns and fields hold is for the estimates alone."""
    record = asdict(replace(size, speakers={}, by_split={}, by_task={}, texts=(), samples={})) | {
        "speakers": len(size.speakers) or None
    }
    by_split = (
        {"by_split": {split: _size_as_json(part) for split, part in size.by_split.items()}} if size.by_split else {}
    )
    return {
        key: value
        for key, value in record.items()
        if key not in ("turns", "fields", "by_split", "by_task", "texts", "samples", "is_sample", "estimated")
    } | by_split


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


def _show_sources(console: Console, sizes: dict[str, SourceSize], sources: Mapping[str, Source]) -> None:
    rows = table("Sources", "source", "items", "read", "documents or utterances", "hours", "text MB", "length unknown")
    for name, size in sizes.items():
        rows.add_row(
            name, f"{size.items:,.0f}", f"{size.read:,}", f"{size.records:,.0f}", f"{size.seconds / 3600:,.3f}",
            f"{size.bytes / 1e6:,.2f}", f"{size.unreadable:,.0f}",
        )  # fmt: skip
    console.print(rows)
    for name, size in sizes.items():
        if size.unreadable:
            left_out = f"{name}: the length of {counted(size.unreadable, 'item')} is not known before the build, and is in no figure"
            console.print(
                plain(f"{left_out} (tars, urls, datasets, and files of which no header can be read)"), markup=False
            )
    for sentence in (one for name, size in sizes.items() for one in _misfits_of(name, size)):
        console.print(plain(sentence), highlight=False, markup=False)
    if held := list(filter(None, (_splits_of(name, size) for name, size in sizes.items()))):
        console.print(
            plain(f"by split (a task counts its own alone): {'; '.join(held)}"), highlight=False, markup=False
        )
    show_passed_over(console, sources)


def _misfits_of(name: str, size: SourceSize) -> Iterator[str]:
    for task, fits in size.fits.items():
        compared = size.compared[task]
        if (lost := compared - fits) and (fits or not size.is_sample):
            about = "about " if size.is_sample else ""
            yield f"{name}: {about}{lost:,.0f} of {counted(compared, 'record')} give {task} nothing, and are not counted for it"


def _splits_of(name: str, size: SourceSize) -> str:
    """How much of a source lies in which split; "" where all that is known of is to train on."""
    records = {split: size.by_split[split].records for split in SPLITS if split in size.by_split}
    if not any(count for split, count in records.items() if split != "train"):
        return ""
    return f"{name} {', '.join(f'{split} {count:,.0f}' for split, count in records.items() if count)}"


def _show_stage(
    console: Console, pipeline: Pipeline, name: str, stage: TrainingStage, sizes: dict[str, SourceSize]
) -> None:
    mixture = stage.mixture
    rows = table(
        f"Stage {name}: {float(mixture.size):,.0f} {mixture.unit}", "task", "share", f"declared {mixture.unit}",
        "one pass holds", "passes so far", "verdict",
    )  # fmt: skip
    for s in supplies(pipeline, name, sizes):
        cells = (f"{s.share:.2%}", f"{s.wanted:,.0f}", f"{s.has:,.0f}", f"{s.passes:,.2f}")
        rows.add_row(s.name, *cells, verdict(s, mixture) if s.is_bound or s.has_few_speakers else "")
    console.print(rows)
