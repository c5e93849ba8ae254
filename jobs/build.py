"""Builds a corpus: list the sources, run the stages, plan each training stage, write its shards.

build(pipeline, store, engine, report, expect)  ->  corpus/shards/pretrain/train-words~speech-0-00003-00.tar …
"""

import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain
from typing import Any

import yaml

from weft.jobs.engine import Engine
from weft.jobs.schedule import WorkEvent, run
from weft.pipelines.corpus.corpus_folder import mark
from weft.pipelines.corpus.expected import Expected
from weft.pipelines.corpus.listing import list_source
from weft.pipelines.corpus.revisions import revisions
from weft.pipelines.corpus.saved_pipeline import with_checksum
from weft.pipelines.corpus.source_check import check_sources
from weft.pipelines.corpus.verify import damaged
from weft.pipelines.graph import Pipeline
from weft.pipelines.mixing.audit import damaged_samples, streams_of
from weft.pipelines.mixing.order import damaged_orders
from weft.pipelines.mixing.order_work import OrderWork
from weft.pipelines.mixing.plan_files import plan_name, read_tars
from weft.pipelines.mixing.shards import index_name, rows_name, tar_name, wids_name
from weft.pipelines.mixing.stream_works import first_orders, index_work, plan_works, tar_works
from weft.pipelines.mixing.supply import short
from weft.pipelines.parts.node_manifest import Manifests
from weft.pipelines.parts.stage_work import PartWork
from weft.pipelines.parts.tables import part_name
from weft.pipelines.parts.work import Work
from weft.pipelines.storage import paths
from weft.pipelines.storage.damage import Damaged
from weft.pipelines.storage.own_names import STAGES, is_made_by_weft
from weft.pipelines.storage.store import Store
from weft.schemas.plan import order_name
from weft.tokenizers.models.folder import absolute

Report = Callable[[WorkEvent], None]


def build(
    pipeline: Pipeline, store: Store, engine: Engine, report: Report, expect: Callable[[Sequence[Work]], None],
    damage: Callable[[Damaged], None] | None = None,
) -> None:  # fmt: skip
    """Builds everything that is missing or out of date. `expect` is called with work before it begins.

    With `damage` everything is read first: it is called with each damaged file, which is then removed and built again.
    Raises SourceGone, before anything is changed, where no item of a source can be read any more.
    """
    check_sources(store, pipeline)
    mark(store)
    store.sweep()
    remove_faults = partial(remove_damaged, store, damage)
    remove_faults(lambda: chain(damaged(store, Expected.of(store, pipeline), deep=True), damaged_orders(store)))
    write_recipe(pipeline, store)
    store.manifests = Manifests(store, trusted=not damage)
    parts = {
        name: list_source(store, name, source, pipeline.recipe.part_size) for name, source in pipeline.sources.items()
    }

    def do(more: list[Work]) -> None:
        expect(more)
        run(more, store, engine, report)

    works = [*pipeline.works(parts), *first_orders(pipeline, parts)]
    do(works)
    planned = [stream for stream in streams_of(store, pipeline) if store.exists(plan_name(stream.name))]
    remove_faults(lambda: chain.from_iterable(stream.misplaced_draws() for stream in planned))
    for more in plan_works(pipeline, parts, partial(short, store)):
        do(more)
        works += more
    for stream in streams_of(store, pipeline):
        remove_faults(partial(damaged_samples, store, [stream], pipeline))
        tars = tar_works(store, stream.name)
        do(tars)
        remove_faults(stream.damaged_index)
        do([index_work(stream.name, tars)])
    remove_stale(pipeline, store, works)
    listing = [part_name(f"list/{source}", part) for source, count in parts.items() for part in range(count)]
    store.manifests.write([*listing, *(work.makes for work in works if isinstance(work, PartWork))])


def remove_damaged(
    store: Store, damage: Callable[[Damaged], None] | None, find: Callable[[], Iterable[Damaged]]
) -> None:
    """Calls `damage` with each damaged file of `find` and removes it, so that it is built again. Without `damage` does nothing."""
    if damage:
        for fault in list(find()):
            damage(fault)
            store.remove(fault.name)


def write_recipe(pipeline: Pipeline, store: Store) -> None:
    """`recipe.yaml` as resolved: every default written out, with weft's version and the commits behind hub names.

    Raises RecipeError where such a commit is not known, or differs from that in the recipe.
    """
    recipe = {**pipeline.recipe.model_dump(mode="json"), "revisions": revisions(pipeline)}
    for section, backends in (
        ("sources", pipeline.sources),
        ("tasks", pipeline.tasks),
        ("tokenizers", pipeline.tokenizers),
    ):
        for name, backend in backends.items():
            recipe[section][name] |= backend.model_dump(mode="json")
    for source in recipe["sources"].values():
        source |= _from_anywhere(source)
    for name in pipeline.tokenizers:
        recipe["tokenizers"][name]["folder"] = absolute(pipeline.recipe.tokenizers[name].folder)
    for section, chosen in pipeline.single_backends.items():
        recipe[section] |= chosen.model_dump(mode="json")
    text = with_checksum(yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True))
    if not store.exists("recipe.yaml") or store.read("recipe.yaml") != text:
        store.write("recipe.yaml", text)


def _from_anywhere(source: dict[str, Any]) -> dict[str, Any]:
    """The places of a source's files, absolute, so that the recipe of a corpus is built from any folder."""
    stated = {name: source[name] for name in ("path", "transcripts") if source.get(name)}
    if "root" in source:
        stated["root"] = source["root"] or os.curdir  # what a source without one reads from
    return {
        name: _absolute(place) if isinstance(place, str) else [_absolute(one) for one in place]
        for name, place in stated.items()
    }


def _absolute(place: str) -> str:
    return place if "://" in place else paths.absolute(place)


def remove_stale(pipeline: Pipeline, store: Store, works: Sequence[Work]) -> None:
    """Removes parts and tars of earlier builds that this recipe does not have. Files whose names weft does not use are kept."""
    outputs = {work.makes for work in works}
    kept = outputs | {f"{folder}/{name}" for folder in ("rejects", "ledger") for name in outputs}
    kept |= {name.removesuffix(".parquet") + ".bin" for name in outputs}
    kept |= {order_name(work.of) for work in works if isinstance(work, OrderWork)}
    for folder in (*STAGES, "order", "rejects", "ledger", "unread", "unfinished"):
        for name in store.names(folder):
            if name not in kept and is_made_by_weft(name):
                store.remove(name)
    for folder in ("unread", "unfinished"):
        store.prune(folder)
    for stage in (stream.name for stream in streams_of(store, pipeline)):
        tars = [tar_name(stage, tar) for tar in read_tars(store, stage)]
        stay = {*tars, *map(rows_name, tars), index_name(stage), wids_name(stage)}
        for name in store.names(f"shards/{stage}"):
            if name not in stay and is_made_by_weft(name):
                store.remove(name)
