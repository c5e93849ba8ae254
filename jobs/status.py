"""`weft status`: for every stage the parts that are done, and those that are missing or out of date."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console

from weft.jobs.failures import unread_lines
from weft.jobs.printing import plain_json
from weft.jobs.progress import stage_of
from weft.jobs.show import cell, table
from weft.jobs.unfinished import at_work, begun
from weft.pipelines.corpus.expected import listed_parts
from weft.pipelines.graph import Pipeline
from weft.pipelines.mixing.plan_files import plan_name
from weft.pipelines.mixing.stream_works import index_work, tar_works
from weft.pipelines.parts.node_manifest import Manifests
from weft.pipelines.parts.tables import part_name
from weft.pipelines.parts.unread import noted_unread
from weft.pipelines.parts.work import Work, is_done
from weft.pipelines.storage.store import Store


def show_status(console: Console, store: Store, pipeline: Pipeline, as_json: bool = False) -> None:
    store.manifests = Manifests(store)
    works = all_works(store, pipeline)
    total, done = counted(store, works)
    unread = list(noted_unread(store, works))
    if as_json:
        stages = [{"stage": s, "parts": n, "done": done[s], "to_do": n - done[s]} for s, n in total.items()]
        _print_json(store, {"stages": stages, "unread": [asdict(item) for item in unread]})
        return
    rows = table(f"Status of {cell(store.url)}", "stage", "parts", "done", "to do")
    for stage, count in total.items():
        rows.add_row(cell(stage), f"{count:,}", f"{done[stage]:,}", f"{count - done[stage]:,}")
    console.print(rows)
    for line in (*filter(None, [at_work(store)]), *_steps_to_come(store, pipeline), *unread_lines(unread)):
        console.print(cell(line), highlight=False)


def show_begun(console: Console, store: Store, as_json: bool = False) -> None:
    """The status of a corpus whose first build has not written its recipe."""
    if as_json:
        _print_json(store, {"stages": [], "unread": []})
    else:
        console.print(cell(begun(store)), highlight=False)


def _print_json(store: Store, figures: dict[str, Any]) -> None:
    record = {"corpus": store.url, "building": at_work(store), **figures}
    print(plain_json(json.dumps(record, indent=1, ensure_ascii=False)))


def all_works(store: Store, pipeline: Pipeline) -> list[Work]:
    """All work of the recipe, with the tars of the plans that exist."""
    parts = {name: listed_parts(store, name) for name in pipeline.sources}
    works = pipeline.works(parts)
    for stage in pipeline.recipe.training:
        if store.exists(plan_name(stage)):
            tars = tar_works(store, stage)
            works += [*tars, index_work(stage, tars)]
    return works


def counted(store: Store, works: Sequence[Work]) -> tuple[Counter[str], Counter[str]]:
    """Pieces of work by stage: all, and those that are done."""
    total, done = Counter[str](), Counter[str]()
    for work in works:
        total[stage_of(work.node)] += 1
        done[stage_of(work.node)] += is_done(work, store)
    return total, done


def _steps_to_come(store: Store, pipeline: Pipeline) -> list[str]:
    """What is not counted yet, as the parts that it will have are not known: a sentence each."""
    sources = [name for name in pipeline.sources if not store.exists(part_name(f"list/{name}", 0))]
    stages = [name for name in pipeline.recipe.stages_in_order if not store.exists(plan_name(name))]
    listed = f"not listed yet, so counted as one part: {', '.join(sources)}"
    planned = f"not planned yet, so without their tars: {', '.join(stages)}"
    return [*([listed] if sources else []), *([planned] if stages else [])]
