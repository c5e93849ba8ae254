"""Builds a corpus: list the sources, run the stages, plan each training stage, write its shards.

    build(pipeline, store, engine, report)  ->  corpus/shards/pretrain/train-000000.tar …

Plans come after the first pass, because they count its samples. Passes are added until they cover each task's share.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import chain

import yaml

from weft.jobs.engine import Engine
from weft.jobs.schedule import Event, run
from weft.pipelines.corpus.claim import mark
from weft.pipelines.corpus.expected import Expected
from weft.pipelines.corpus.listing import list_source
from weft.pipelines.corpus.presence import check_presence
from weft.pipelines.corpus.revisions import revisions
from weft.pipelines.corpus.saved_pipeline import with_checksum
from weft.pipelines.corpus.verify import damaged
from weft.pipelines.graph import Pipeline
from weft.pipelines.mixing.audit import damaged_samples, streams_of
from weft.pipelines.mixing.order import damaged_orders
from weft.pipelines.mixing.plan import Wanted, read_tars
from weft.pipelines.mixing.shards import index_name, rows_name, tar_name, wids_name
from weft.pipelines.mixing.supply import short
from weft.pipelines.mixing.work import IndexWork, OrderWork, PlanWork, ShardWork, ValidationPlanWork
from weft.pipelines.parts.node_manifest import Manifests
from weft.pipelines.parts.stage_work import PartWork
from weft.pipelines.parts.tables import part_name
from weft.pipelines.parts.work import Work
from weft.pipelines.storage.own_names import STAGES, is_made_by_weft
from weft.pipelines.storage.store import Damaged, Store
from weft.schemas.plan import VALIDATION, node_of, order_name
from weft.tokenizers.models.folder import absolute

Report = Callable[[Event], None]
Parts = dict[str, int]


def build(
    pipeline: Pipeline, store: Store, engine: Engine, report: Report, expect: Callable[[Sequence[Work]], None],
    damage: Callable[[Damaged], None] | None = None,
) -> None:  # fmt: skip
    """Builds everything that is missing or out of date. `expect` is called with work before it begins.

    With `damage` everything is read first: it is called with each damaged file, which is then removed and built again.
    Raises SourceGone, before anything is changed, where no item of a source can be read any more.
    """
    check_presence(store, pipeline)
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

    works = pipeline.works(parts)
    works += [order_work(pipeline, node_of(task, 0, source), parts[source]) for task, source in drawn(pipeline)]
    held_out = pipeline.validation_nodes
    works += [order_work(pipeline, node_of(task, VALIDATION, source), parts[source]) for task, source in held_out]
    do(works)
    works += plan_stages(pipeline, store, parts, do)
    if held_out:
        do([ValidationPlanWork(held_out)])
    for stream in streams_of(store, pipeline):
        remove_faults(partial(damaged_samples, store, [stream]))
        tars = shard_works(store, stream.name)
        do(tars)
        remove_faults(stream.damaged_index)
        do([IndexWork(stream.name, tuple(work.makes for work in tars))])
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


def plan_stages(pipeline: Pipeline, store: Store, parts: Parts, do: Callable[[list[Work]], None]) -> list[Work]:
    """Plans each stage, after the stages named in its `after:`. Returns the work of the further passes that this needed."""
    passes = dict.fromkeys(drawn(pipeline), 1)
    further: list[Work] = []
    for name in pipeline.recipe.stages_in_order:
        while again := short(store, wanted(pipeline, name, passes)):
            more = [
                work
                for task, source in again
                for work in pass_works(pipeline, task, source, passes[task, source], parts)
            ]
            do(more)
            further += more
            passes.update({of: passes[of] + 1 for of in again})
        do([PlanWork(wanted(pipeline, name, passes))])
    return further


def drawn(pipeline: Pipeline) -> list[tuple[str, str]]:
    """Each task and source that a training stage draws from."""
    tasks = sorted({task for stage in pipeline.recipe.training.values() for task in stage.mixture.tasks})
    return [(task, source) for task in tasks for source in pipeline.tasks[task].sources]


def pass_works(pipeline: Pipeline, task: str, source: str, pass_number: int, parts: Parts) -> list[Work]:
    composed = pipeline.compose(task, pass_number, parts, (source,))
    return [*composed, order_work(pipeline, node_of(task, pass_number, source), parts[source])]


def order_work(pipeline: Pipeline, node: str, parts: int) -> Work:
    return OrderWork(
        node, parts, pipeline.recipe.shards.bytes, pipeline.speaker_spaces.get(node.rpartition("/")[2], "")
    )


def wanted(pipeline: Pipeline, name: str, passes: Mapping[tuple[str, str], int]) -> Wanted:
    """The plan of a stage over the passes that exist, up to the number that its mixture allows."""
    stage = pipeline.recipe.training[name]
    allowed = {of: min(count, stage.mixture.passes) for of, count in passes.items() if of[0] in stage.mixture.tasks}
    return Wanted(name, stage, allowed, pipeline.recipe.before(name))


def write_recipe(pipeline: Pipeline, store: Store) -> None:
    """`recipe.yaml` as resolved: every default written out, with weft's version and the commits behind hub names.

    Raises RecipeError where such a commit is not known, or differs from that in the recipe.
    """
    recipe = {**pipeline.recipe.model_dump(mode="json"), "revisions": revisions(pipeline)}
    for name, source in pipeline.sources.items():
        recipe["sources"][name] = {"use": pipeline.recipe.sources[name].use, **source.model_dump(mode="json")}
    for name, task in pipeline.tasks.items():
        recipe["tasks"][name] = {"use": pipeline.recipe.tasks[name].use, **task.model_dump(mode="json")}
    for name, tokenizer in pipeline.tokenizers.items():
        choice = pipeline.recipe.tokenizers[name]
        recipe["tokenizers"][name] = {
            "use": choice.use,
            "sources": list(choice.sources),
            "frozen": choice.frozen,
            "folder": absolute(choice.folder),
            **tokenizer.model_dump(mode="json"),
        }
    text = with_checksum(yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True))
    if not store.exists("recipe.yaml") or store.read("recipe.yaml") != text:
        store.write("recipe.yaml", text)


def shard_works(store: Store, stage: str) -> list[Work]:
    return [ShardWork(stage, tar) for tar in read_tars(store, stage)]


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
    for stage in (stream.name for stream in streams_of(store, pipeline)):
        tars = [tar_name(stage, tar) for tar in read_tars(store, stage)]
        stay = {*tars, *map(rows_name, tars), index_name(stage), wids_name(stage)}
        for name in store.names(f"shards/{stage}"):
            if name not in stay and is_made_by_weft(name):
                store.remove(name)
