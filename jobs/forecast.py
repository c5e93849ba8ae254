"""What the data of a recipe can supply to each stage of training, estimated from listings and file headers.

supplies(pipeline, "pretrain", sizes)   ->   Supply(task="words", source="", share=0.5, wanted=1e9, has=2.1e8, …), …
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from math import inf

from weft.jobs.estimates import Use
from weft.jobs.sampled_sizes import sampled_size
from weft.jobs.source_sizes import SourceSize
from weft.jobs.speaker_supply import Due, SpeakerSupply, speaker_supply
from weft.jobs.task_needs import TaskNeeds
from weft.jobs.text_rates import with_text_rates
from weft.pipelines.graph import Pipeline
from weft.pipelines.mixing.sufficiency import Balance
from weft.schemas.mixture import Mixture
from weft.schemas.text import Dialogue

SURELY = 8.0  # real tokens per second of speech or byte of text are at most this many times the estimate


@dataclass(frozen=True, slots=True)
class Supply:
    """What a task of a stage, or one of its sources, must supply (`wanted`), and what one pass has (`has`): in the mixture's unit.

    `at_most` is what a pass has if items of unknown length are as long as the others; infinite where nothing that was read gives a
    sample, and not all was read. `before` counts the passes drawn by the
    stages named in `after:`. `is_bound`: its share of the task is declared. `speakers`: what its speakers may supply, where each is
    bounded and all are known.
    """

    task: str
    source: str
    share: float
    wanted: float
    has: float
    at_most: float
    before: float
    is_bound: bool
    speakers: SpeakerSupply | None = None

    @property
    def name(self) -> str:
        return f"{self.task}/{self.source}" if self.source else self.task

    @property
    def passes(self) -> float:
        """Passes over the data, by this stage and those before it."""
        return self.before + self.own_passes

    @property
    def own_passes(self) -> float:
        """Passes over the data by this stage alone."""
        return self.wanted / self.has if self.has else inf

    @property
    def has_nothing(self) -> bool:
        """Whether there is nothing to draw, nor any item of unknown length."""
        return self.wanted > 0 and self.at_most == 0

    def is_short(self, mixture: Mixture) -> bool:
        """Whether the data are too little even if items of unknown length are as long as the others."""
        return self.is_bound and self._balance(mixture.passes).is_short

    def is_far_short(self, mixture: Mixture) -> bool:
        """Whether the data are too little even if the estimate is `SURELY` times too low."""
        return self.is_bound and self.has > 0 and self._balance(mixture.passes, SURELY).is_short

    @property
    def can_never_suffice(self) -> bool:
        """Whether its speakers can never supply it, however much data each has."""
        return self._balance().can_never_suffice

    @property
    def has_few_speakers(self) -> bool:
        """Whether its speakers may not supply enough."""
        return self._balance().has_few_speakers

    def _balance(self, passes: float = inf, margin: float = 1.0) -> Balance:
        """`passes` is the number that may be drawn, with those before; the estimate may be `margin` times too low."""
        held = self.at_most * max(0.0, passes - self.before) if self.at_most else 0.0
        demand = self.speakers.demand if self.speakers else None
        allowed = self.speakers.allowed if self.speakers else inf
        return Balance(due=self.wanted, held=margin * held, allowed=allowed, demand=demand)


def source_sizes(pipeline: Pipeline, most: int, absent: Collection[str] = ()) -> dict[str, SourceSize]:
    """What each source holds, from at most `most` of its headers; with speakers where a task bounds them; nothing where it is `absent`.

    Raises EmptySource.
    """
    mixtures = (stage.mixture for stage in pipeline.recipe.training.values())
    bounded_tasks = {task for mixture in mixtures for task, share in mixture.tasks.items() if share.most}
    bounded_sources = {source for task in bounded_tasks for source in pipeline.tasks[task].sources}
    sizes = {
        name: SourceSize()
        if name in absent
        else sampled_size(
            name,
            source,
            most,
            by_speaker=name in bounded_sources,
            segmenter=pipeline.segmenter,
            splits=pipeline.splits(name),
            needs=_needs(pipeline, name),
            voice=pipeline.synthesize.voice if source.makes is Dialogue else None,
        )
        for name, source in pipeline.sources.items()
    }
    return with_text_rates(pipeline, sizes)


def _needs(pipeline: Pipeline, source: str) -> TaskNeeds:
    tasks = {name: task for name, task in pipeline.tasks.items() if source in task.sources}
    return TaskNeeds(pipeline=pipeline, makes=pipeline.sources[source].makes, tasks=tasks)


def supplies(pipeline: Pipeline, stage: str, sizes: dict[str, SourceSize]) -> Iterator[Supply]:
    """One supply for each task, and one for each source of a task that has several."""
    training = pipeline.recipe.training[stage]
    for name, weight in training.mixture.weights.items():
        sources = pipeline.tasks[name].sources
        whole = _supply(pipeline, stage, name, source="", sizes=sizes, share=float(weight))
        yield whole
        shares = next(shares for level, shares in training.mixture.tasks[name].levels if level == "source")
        for source in sources if len(sources) > 1 else ():
            declared = shares[source] / sum(shares.values()) if isinstance(shares, dict) else None
            has = Use(pipeline, name, source).amount(training, sizes[source])
            share = declared if declared is not None else has / whole.has if whole.has else 0.0
            yield _supply(
                pipeline,
                stage,
                name,
                source=source,
                sizes=sizes,
                share=float(weight) * share,
                is_bound=declared is not None,
            )


def _supply(
    pipeline: Pipeline,
    stage: str,
    task: str,
    source: str,
    sizes: dict[str, SourceSize],
    share: float,
    is_bound: bool = True,
) -> Supply:
    training = pipeline.recipe.training[stage]
    sources = (source,) if source else pipeline.tasks[task].sources
    held = {name: Use(pipeline, task, name).drawn(sizes[name]) for name in sources}
    uses = {name: Use(pipeline, task, name) for name in sources}
    has = {name: use.amount(training, held[name]) for name, use in uses.items()}
    readable = {name: not use.is_unknown(training, held[name]) and held[name].readable for name, use in uses.items()}
    supply = Supply(
        task=task,
        source=source,
        share=share,
        wanted=float(training.mixture.size) * share,
        has=sum(has.values()),
        at_most=sum(has[name] / share if share else inf for name, share in readable.items()),
        before=_passes_before(pipeline, stage, task, source=source, sizes=sizes),
        is_bound=is_bound,
    )
    return replace(supply, speakers=_speakers(pipeline, stage, supply, sizes))


def _speakers(pipeline: Pipeline, stage: str, supply: Supply, sizes: dict[str, SourceSize]) -> SpeakerSupply | None:
    """None where speakers are not bounded, or not all are known."""
    training = pipeline.recipe.training[stage]
    task, most = supply.task, training.mixture.tasks[supply.task].most.get("speaker")
    if most is None:
        return None
    weight = training.mixture.weights[supply.task]
    share = (Fraction(supply.share) / weight).limit_denominator(10**6) if supply.source else Fraction(1)
    due = Due(
        task=supply.task,
        source=supply.source,
        share=share,
        whole=float(training.mixture.size * weight),
        passes=max(0.0, training.mixture.passes - supply.before),
    )
    sources = pipeline.tasks[task].sources
    amounts = {source: Use(pipeline, task, source).amount(training, sizes[source]) for source in sources}
    split = pipeline.tasks[task].split
    speakers = {source: sizes[source].of_split(split).speakers for source in sources}
    return speaker_supply(pipeline, due, most, amounts=amounts, speakers=speakers)


def _passes_before(pipeline: Pipeline, stage: str, task: str, source: str, sizes: dict[str, SourceSize]) -> float:
    """Passes over a task's data, or over one source of it, by the stages before."""
    passes = [
        supply.own_passes
        for earlier in pipeline.recipe.before(stage)
        if task in pipeline.recipe.training[earlier].mixture.tasks
        for supply in supplies(pipeline, earlier, sizes)
        if (supply.task, supply.source) == (task, source)
    ]
    return sum(passes)
