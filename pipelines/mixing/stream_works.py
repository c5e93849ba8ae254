"""All work of a recipe from composed samples to streams that can be trained on; `Pipeline.works` has the work before it.

    first_orders(pipeline, parts)             [OrderWork(of="compose/words/pass-0/speech", …), …]
    plan_works(pipeline, parts, short)        [PartWork of pass-1, …, OrderWork], then [PlanWork], stage by stage
    tar_works(store, "pretrain")              [ShardWork, …], once the stage is planned

Plans come after the first pass, because they count its samples. Passes are added until they cover each task's share.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from weft.pipelines.graph import Pipeline
from weft.pipelines.mixing.order_work import OrderWork
from weft.pipelines.mixing.plan_files import read_tars
from weft.pipelines.mixing.plan_request import PlanRequest
from weft.pipelines.mixing.plan_work import PlanWork, ValidationPlanWork
from weft.pipelines.mixing.shard_work import IndexWork, ShardWork
from weft.pipelines.parts.work import Work
from weft.pipelines.storage.store import Store
from weft.schemas.plan import VALIDATION, node_of

Parts = dict[str, int]
"""The number of parts of each source's listing."""


def first_orders(pipeline: Pipeline, parts: Parts) -> list[Work]:
    """The orders of each task's first pass over each source, and of what is held out for validation."""
    first = [(node_of(task, 0, source), source) for task, source in drawn(pipeline)]
    held_out = [(node_of(task, VALIDATION, source), source) for task, source in pipeline.validation_nodes]
    return [_order(pipeline, node, parts[source]) for node, source in (*first, *held_out)]


def plan_works(
    pipeline: Pipeline, parts: Parts, short: Callable[[PlanRequest], Sequence[tuple[str, str]]]
) -> Iterator[list[Work]]:
    """The work that plans each stage, after the stages named in its `after:`, and then what is held out.

    Each list must be done before the next is asked for: `short` returns the tasks and sources of which another pass is needed.
    """
    passes = dict.fromkeys(drawn(pipeline), 1)
    for name in pipeline.recipe.stages_in_order:
        while again := short(_request(pipeline, name, passes)):
            yield [work for of in again for work in _pass(pipeline, of, passes[of], parts)]
            passes.update({of: passes[of] + 1 for of in again})
        yield [PlanWork(_request(pipeline, name, passes))]
    if pipeline.validation_nodes:
        yield [ValidationPlanWork(pipeline.validation_nodes)]


def tar_works(store: Store, stage: str) -> list[Work]:
    """A piece of work for each tar of a stage's plan. Raises FileNotFoundError where it is not planned, and Damaged."""
    return [ShardWork(stage, tar) for tar in read_tars(store, stage)]


def index_work(stage: str, tars: Sequence[Work]) -> Work:
    return IndexWork(stage, tuple(work.makes for work in tars))


def drawn(pipeline: Pipeline) -> list[tuple[str, str]]:
    """Each task and source that a training stage draws from."""
    tasks = sorted({task for stage in pipeline.recipe.training.values() for task in stage.mixture.tasks})
    return [(task, source) for task in tasks for source in pipeline.tasks[task].sources]


def _pass(pipeline: Pipeline, of: tuple[str, str], number: int, parts: Parts) -> list[Work]:
    """The work of one more pass of a task over a source."""
    task, source = of
    composed = pipeline.compose(task, number, parts, (source,))
    return [*composed, _order(pipeline, node_of(task, number, source), parts[source])]


def _order(pipeline: Pipeline, node: str, parts: int) -> Work:
    space = pipeline.speaker_spaces.get(node.rpartition("/")[2], "")
    return OrderWork(of=node, parts=parts, tar_bytes=pipeline.recipe.shards.bytes, space=space)


def _request(pipeline: Pipeline, name: str, passes: Mapping[tuple[str, str], int]) -> PlanRequest:
    """The plan of a stage over the passes that exist, up to the number that its mixture allows."""
    stage = pipeline.recipe.training[name]
    allowed = {of: min(count, stage.mixture.passes) for of, count in passes.items() if of[0] in stage.mixture.tasks}
    return PlanRequest(name=name, stage=stage, passes=allowed, after=pipeline.recipe.before(name))
