"""The sentences of a forecast: which task of which stage has too little data, and what to change.

shortages(pipeline, sizes)   ->   ["too little data: stage pre declares 40,000 tokens of text, one pass over books holds about …"]
"""

from collections.abc import Callable, Iterator
from math import ceil

from weft.jobs.estimates import Use
from weft.jobs.forecast import Supply, supplies
from weft.jobs.source_sizes import SourceSize
from weft.pipelines.graph import Pipeline
from weft.pipelines.tasks.base import Task
from weft.schemas.counting import counted
from weft.schemas.mixture import Mixture
from weft.schemas.text import Dialogue


def shortages(pipeline: Pipeline, sizes: dict[str, SourceSize]) -> list[str]:
    """A sentence for each task of a stage that has too little data: where, how much, and what to change.

    A stage that may end early (`exhausted: stop`) is listed only where its speakers can never supply a share, or a task has nothing.
    """
    return [*_sentences(pipeline, sizes, Supply.is_short)]


def certain_shortages(pipeline: Pipeline, sizes: dict[str, SourceSize]) -> list[str]:
    """The shortages that are certain from listings and headers alone: of sources of which all that is listed was read."""
    return [*_sentences(pipeline, sizes, _is_certain(pipeline, sizes))]


def unknown_amounts(pipeline: Pipeline, sizes: dict[str, SourceSize]) -> list[str]:
    """A sentence for each task of a stage and source of which nothing that was read gives a sample, where not all was read."""
    uses = (
        (Use(pipeline, task, source), stage, sizes[source])
        for stage in pipeline.recipe.training.values()
        for task in stage.mixture.tasks
        for source in pipeline.tasks[task].sources
    )
    unknown = [(use, use.drawn(size).read) for use, stage, size in uses if use.is_unknown(stage, size)]
    return list(dict.fromkeys(_not_known(use, read) for use, read in unknown))


def _not_known(use: Use, read: int) -> str:
    first = f"none of the {counted(read, 'item')} that were read of {use.source} gives {use.name} a sample"
    return f"not known: {first}; what the others give only the build shows"


def _is_certain(pipeline: Pipeline, sizes: dict[str, SourceSize]) -> Callable[[Supply, Mixture], bool]:
    """Counts of records, the length of synthesised text, that of audio whose header does not count it, and what a sample says of the
    rest are estimates without a bound: such a shortage is never certain.
    """

    def is_certain(supply: Supply, mixture: Mixture) -> bool:
        sources = (supply.source,) if supply.source else pipeline.tasks[supply.task].sources
        is_synthesised = any(pipeline.sources[source].makes is Dialogue for source in sources)
        is_unbounded = is_synthesised or any(sizes[source].is_sample or sizes[source].estimated for source in sources)
        return mixture.unit not in ("samples", "weights") and not is_unbounded and supply.is_far_short(mixture)

    return is_certain


def _sentences(
    pipeline: Pipeline, sizes: dict[str, SourceSize], is_short: Callable[[Supply, Mixture], bool]
) -> Iterator[str]:
    for name, stage in pipeline.recipe.training.items():
        reported: set[str] = set()
        for supply in supplies(pipeline, name, sizes):
            if supply.can_never_suffice and supply.speakers:
                if supply.task not in reported:
                    yield f"too little data: stage {name}: {supply.speakers.demand.refusal()}"
                reported |= set() if supply.source else {supply.task}
            elif not supply.source and supply.has_nothing and is_short is Supply.is_short:
                yield _nothing(name, supply, pipeline.tasks[supply.task])
            elif stage.mixture.exhausted != "stop" and is_short(supply, stage.mixture):
                task = pipeline.tasks[supply.task]
                yield _shortage(name, stage.mixture, supply, _data(task, supply, sizes))
            elif stage.mixture.exhausted != "stop" and is_short is Supply.is_short and supply.has_few_speakers:
                yield _too_few(name, stage.mixture, supply)


def _nothing(stage: str, supply: Supply, task: Task) -> str:
    data = f"the split {task.split} of {', '.join(task.sources)}"
    return f"too little data: stage {stage}: nothing in {data} gives {supply.task} a sample"


def _too_few(stage: str, mixture: Mixture, supply: Supply) -> str:
    assert supply.speakers
    demand, allowed = supply.speakers.demand, f"about {supply.speakers.allowed:,.0f}"
    return (
        f"too little data: stage {stage} declares {supply.wanted:,.0f} {mixture.unit} of {supply.name}; its "
        f"{counted(demand.names, 'speaker')} may give {allowed} under `most: {{speaker: {float(demand.most):g}}}` in "
        f"{counted(mixture.passes, 'pass', 'passes')}; add speakers, raise `most`, or lower training.{stage}.mixture.scale"
        f"{' or its share of the task' if demand.share < 1 else ''}"
    )


def _data(task: Task, supply: Supply, sizes: dict[str, SourceSize]) -> str:
    """The sources that supply it, with the split where not all of them is of it."""
    sources = (supply.source,) if supply.source else task.sources
    is_part = any(sizes[source].by_split.keys() - {task.split} for source in sources)
    return f"{f'the split {task.split} of ' if is_part else ''}{', '.join(sources)}"


def _shortage(stage: str, mixture: Mixture, supply: Supply, data: str) -> str:
    needed = f", or let it repeat (exhausted: repeat, passes: {ceil(supply.passes)})" if supply.has else ""
    passes = f"{mixture.passes} passes" if mixture.passes > 1 else "one pass"
    return (
        f"too little data: stage {stage} declares {supply.wanted:,.0f} {mixture.unit} of {supply.name}, "
        f"{passes} over {data} hold{'' if mixture.passes > 1 else 's'} about "
        f"{supply.has * mixture.passes:,.0f}{_drawn_before(supply)}; add data, or lower training.{stage}.mixture.scale{needed}"
    )


def _drawn_before(supply: Supply) -> str:
    return (
        f", of which the stages before draw {supply.has * supply.before:,.0f}" if supply.before and supply.has else ""
    )
