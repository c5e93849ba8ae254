"""Builds a corpus: list the sources, run the stages, plan each training stage, write its shards.

    build(house, store, engine, report)  ->  corpus/shards/pretrain/train-000000.tar …

Plans come after the first pass because they count it; passes are added until each task's share is covered.
"""

from collections.abc import Callable, Sequence

import yaml

from weft.jobs.engine import Engine
from weft.jobs.schedule import Event, run
from weft.pipelines.graph import STAGES, House
from weft.pipelines.listing import list_source
from weft.pipelines.mixing.plan import cost_column, plan_names, size_of
from weft.pipelines.mixing.shards import index_name, rows_name, shards_of, wids_name
from weft.pipelines.parts import part_name, read_part, read_table
from weft.pipelines.revisions import revisions
from weft.pipelines.store import Store
from weft.pipelines.work import IndexWork, PlanWork, ShardWork, Work
from weft.schemas.fingerprint import version_of
from weft.schemas.plan import Block
from weft.schemas.training import TrainingStage
from weft.tokenizers.folder import absolute

Report = Callable[[Event], None]
Parts = dict[str, int]


def build(house: House, store: Store, engine: Engine, report: Report, expect: Callable[[Sequence[Work]], None]) -> None:
    """Makes everything that is missing or no longer fits. `expect` is told of work before it begins."""
    store.sweep()
    write_recipe(house, store)
    parts = {name: list_source(store, name, source, house.recipe.part_size) for name, source in house.sources.items()}
    works = house.works(parts)

    def do(more: list[Work]) -> None:
        expect(more)
        run(more, store, engine, report)

    do(works)
    passes = dict.fromkeys(house.tasks, 1)
    for stage in house.recipe.training.values():
        while short := _short(house, store, stage, passes, parts):
            more = [work for task in short for work in house.compose(task, passes[task], parts)]
            works += more
            do(more)
            passes.update({task: passes[task] + 1 for task in short})
    for name, stage in house.recipe.training.items():
        do([plan_work(house, name, stage, passes, parts)])
    for name in house.recipe.training:
        tars = shard_works(store, name)
        do([*tars, IndexWork(name, tuple(work.makes for work in tars))])
    tidy(house, store, works)


def write_recipe(house: House, store: Store) -> None:
    """`recipe.yaml` as resolved: every default written out, with weft's version and the commits behind hub names.

    Raises RecipeError where such a commit is not known, or not the one that the recipe says.
    """
    recipe = {**house.recipe.model_dump(mode="json"), "revisions": revisions(house)}
    for name, source in house.sources.items():
        recipe["sources"][name] = {"use": house.recipe.sources[name].use, **source.model_dump(mode="json")}
    for name, task in house.tasks.items():
        recipe["tasks"][name] = {"use": house.recipe.tasks[name].use, **task.model_dump(mode="json")}
    for name, tokenizer in house.tokenizers.items():
        choice = house.recipe.tokenizers[name]
        recipe["tokenizers"][name] = {
            "use": choice.use,
            "sources": list(choice.sources),
            "frozen": choice.frozen,
            "folder": absolute(choice.folder),
            **tokenizer.model_dump(mode="json"),
        }
    head = f"# resolved by weft {version_of('weft')}\n"
    text = (head + yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True)).encode()
    if not store.exists("recipe.yaml") or store.read("recipe.yaml") != text:
        store.write("recipe.yaml", text)


def _short(house: House, store: Store, stage: TrainingStage, passes: Parts, parts: Parts) -> list[str]:
    """Tasks whose composed passes do not cover their share yet and may be drawn again."""
    if stage.mixture.exhausted != "repeat":
        return []
    size = size_of(stage)
    short = []
    for task, weight in stage.mixture.weights.items():
        total, largest = 0, 0
        for block in (b for n in range(passes[task]) for b in house.blocks(task, n, parts)):
            costs = cost_column(
                stage.mixture.unit, read_table(store, part_name(block.node, block.part), ["tokens", "seconds"])
            )
            total, largest = total + int(costs.sum()), max(largest, int(costs.max(initial=0)))
        # The stream may run ahead of a share by a sample of its task and end a sample late.
        if largest and total < size * weight + 2 * largest and passes[task] < stage.mixture.passes:
            short.append(task)
    return short


def plan_work(house: House, name: str, stage: TrainingStage, passes: Parts, parts: Parts) -> PlanWork:
    limit = {task: min(passes[task], stage.mixture.passes) for task in stage.mixture.weights}
    blocks = [b for task, count in limit.items() for n in range(count) for b in house.blocks(task, n, parts)]
    return PlanWork(name, stage, tuple(blocks), house.recipe.shards.bytes, house.recipe.seed)


def shard_works(store: Store, stage: str) -> list[Work]:
    blocks = read_part(store, plan_names(stage)[1], Block)
    return [ShardWork(shard) for shard in shards_of(stage, blocks)]


def tidy(house: House, store: Store, works: Sequence[Work]) -> None:
    """Removes parts and tars that earlier runs made and this recipe no longer has."""
    made = {work.makes for work in works}
    kept = made | {f"{folder}/{name}" for folder in ("rejects", "ledger") for name in made}
    kept |= {name.removesuffix(".parquet") + ".bin" for name in made}
    for folder in (*STAGES, "rejects", "ledger"):
        for name in store.names(folder):
            if name not in kept:
                store.remove(name)
    for stage in house.recipe.training:
        shards = shards_of(stage, read_part(store, plan_names(stage)[1], Block))
        stay = {name for shard in shards for name in (shard.path, rows_name(shard.path))}
        stay |= {index_name(stage), wids_name(stage)}
        for name in store.names(f"shards/{stage}"):
            if name not in stay:
                store.remove(name)
