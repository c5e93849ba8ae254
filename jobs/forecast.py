"""`weft plan`: estimates what a recipe would build and how long it takes, from listings and file headers. Nothing is built.

Hours come from headers, tokens from typical rates: 25 Hz units lose a third to deduplication, English speech holds
2.5 words a second and 1.3 tokens a word, text 4 bytes a token.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from math import ceil, inf

from rich.console import Console

from weft.jobs import costs
from weft.jobs.holdings import Holding, sampled_holding
from weft.jobs.known_rejects import reject_sentences
from weft.jobs.printing import plain, plain_json
from weft.jobs.show import clock_time, show_passed_over, table
from weft.jobs.voices import Due, Voices, voices
from weft.pipelines.corpus.hold_out import check_listing
from weft.pipelines.graph import Pipeline
from weft.pipelines.sources.base import Source
from weft.pipelines.tasks.base import Task
from weft.schemas.counting import counted
from weft.schemas.text import Dialogue, Document
from weft.schemas.training import Mixture, TrainingStage

KEPT_BY_DEDUP = 0.68
WORDS_A_SECOND = 2.5
TOKENS_A_WORD = 1.3
BYTES_A_TOKEN = 4.0
SURELY = 8.0  # real tokens per second of speech or byte of text are at most this many times the estimate
HEADERS = 10_000  # headers read of each source; sums of a larger source are scaled up


@dataclass(frozen=True, slots=True)
class Supply:
    """What a task of a stage, or one of its sources, must supply (`wanted`), and what one pass has (`has`): in the mixture's unit.

    `at_most` is what a pass has if items of unknown length are as long as the others. `before` counts the passes drawn by the
    stages named in `after:`. `is_bound`: its share of the task is declared. `voices`: what its speakers may supply, where each is
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
    voices: Voices | None = None

    @property
    def name(self) -> str:
        return f"{self.task}/{self.source}" if self.source else self.task

    @property
    def passes(self) -> float:
        """Passes over the data, by this stage and those before it."""
        return self.before + (self.wanted / self.has if self.has else inf)

    def is_short(self, mixture: Mixture) -> bool:
        """Whether the data are too little even if items of unknown length are as long as the others."""
        return self.is_bound and self._exceeds(self.at_most * max(0.0, mixture.passes - self.before))

    def is_far_short(self, mixture: Mixture) -> bool:
        """Whether the data are too little even if the estimate is `SURELY` times too low."""
        return (
            self.is_bound
            and self.has > 0
            and self._exceeds(SURELY * self.at_most * max(0.0, mixture.passes - self.before))
        )

    @property
    def is_vain(self) -> bool:
        """Whether its speakers can never supply it, however much data each has."""
        return self.voices is not None and self.voices.claim.is_vain

    @property
    def has_few_speakers(self) -> bool:
        """Whether its speakers may not supply enough."""
        return self.is_vain or (self.voices is not None and self._exceeds(self.voices.allowed))

    def _exceeds(self, supply: float) -> bool:
        return self.wanted > supply * (1 + 1e-9)


def show_forecast(console: Console, pipeline: Pipeline, as_json: bool = False) -> list[str]:
    """Prints the tables and then the shortages; returns the shortages.

    Raises SplitError for a share that holds out no name or every name, as far as the listings have names.
    """
    for space in pipeline.spaces:
        check_listing(space, pipeline.sources)
    held = holdings(pipeline, HEADERS)
    sentences = shortages(pipeline, held)
    if as_json:
        print(plain_json(json.dumps(_record(pipeline, held, sentences), indent=1, ensure_ascii=False)))
        return sentences
    _show_sources(console, held, pipeline.sources)
    for sentence in reject_sentences(pipeline, {name: h.rejects for name, h in held.items()}):
        console.print(plain(sentence), highlight=False, markup=False)
    for name, stage in pipeline.recipe.training.items():
        _show_stage(console, pipeline, name, stage, held)
    console.print(f"one core, embedded backends, about: {_times(costs.stage_times(held))}", highlight=False)
    if training := costs.training_times(pipeline, held):
        console.print(f"models, one core, about: {_times(training)}", highlight=False)
    for sentence in sentences:
        console.print(plain(sentence), highlight=False, markup=False)
    return sentences


def holdings(pipeline: Pipeline, most: int) -> dict[str, Holding]:
    """What each source holds, from at most `most` of its headers; with speakers where a task bounds them. Raises EmptySource."""
    mixtures = (stage.mixture for stage in pipeline.recipe.training.values())
    bounded_tasks = {task for mixture in mixtures for task, share in mixture.tasks.items() if share.most}
    bounded_sources = {source for task in bounded_tasks for source in pipeline.tasks[task].sources}
    longest = max(pipeline.segmenter.longest, pipeline.segmenter.transcript)
    return {
        name: sampled_holding(name, source, most, name in bounded_sources, longest)
        for name, source in pipeline.sources.items()
    }


def _times(seconds: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {clock_time(amount)}" for name, amount in seconds.items())


def _record(pipeline: Pipeline, held: Mapping[str, Holding], sentences: Sequence[str]) -> dict[str, object]:
    return {
        "sources": {name: asdict(h) | {"speakers": len(h.speakers) or None} for name, h in held.items()},
        "stages": {n: [_as_json(s) for s in _supplies(pipeline, n, dict(held))] for n in pipeline.recipe.training},
        "seconds_on_one_core": {**costs.stage_times(dict(held)), **costs.training_times(pipeline, dict(held))},
        "too_little_data": list(sentences),
    }


def _as_json(supply: Supply) -> dict[str, object]:
    """As JSON; unknown and infinite values are null."""
    extra = {"passes": supply.passes, "speakers_give": supply.voices.allowed if supply.voices else None}
    record = asdict(replace(supply, voices=None)) | extra
    del record["voices"]
    return {key: None if value == inf else value for key, value in record.items()}


def shortages(pipeline: Pipeline, held: dict[str, Holding]) -> list[str]:
    """A sentence for each task of a stage that has too little data: where, how much, and what to change.

    A stage that may end early (`exhausted: stop`) is listed only where its speakers can never supply a share.
    """
    return [*_sentences(pipeline, held, Supply.is_short)]


def certain_shortages(pipeline: Pipeline, held: dict[str, Holding]) -> list[str]:
    """The shortages that are certain from listings and headers alone."""
    return [*_sentences(pipeline, held, _is_certain(pipeline))]


def _is_certain(pipeline: Pipeline) -> Callable[[Supply, Mixture], bool]:
    """Counts of records, and the length of synthesised text, are estimates without a bound: such a shortage is never certain."""

    def is_certain(supply: Supply, mixture: Mixture) -> bool:
        sources = (supply.source,) if supply.source else pipeline.tasks[supply.task].sources
        is_synthesised = any(pipeline.sources[source].makes is Dialogue for source in sources)
        return mixture.unit not in ("samples", "weights") and not is_synthesised and supply.is_far_short(mixture)

    return is_certain


def _sentences(
    pipeline: Pipeline, held: dict[str, Holding], is_short: Callable[[Supply, Mixture], bool]
) -> Iterator[str]:
    for name, stage in pipeline.recipe.training.items():
        reported: set[str] = set()
        for supply in _supplies(pipeline, name, held):
            if supply.is_vain and supply.voices:
                if supply.task not in reported:
                    yield f"too little data: stage {name}: {supply.voices.claim.refusal()}"
                reported |= set() if supply.source else {supply.task}
            elif stage.mixture.exhausted != "stop" and is_short(supply, stage.mixture):
                yield _shortage(name, stage.mixture, supply, pipeline.tasks[supply.task])
            elif stage.mixture.exhausted != "stop" and is_short is Supply.is_short and supply.has_few_speakers:
                yield _too_few(name, stage.mixture, supply)


def _too_few(stage: str, mixture: Mixture, supply: Supply) -> str:
    assert supply.voices
    claim, allowed = supply.voices.claim, f"about {supply.voices.allowed:,.0f}"
    return (
        f"too little data: stage {stage} declares {supply.wanted:,.0f} {mixture.unit} of {supply.name}; its "
        f"{counted(claim.names, 'speaker')} may give {allowed} under `most: {{speaker: {float(claim.most):g}}}` in "
        f"{counted(mixture.passes, 'pass', 'passes')}; add speakers, raise `most`, or lower training.{stage}.mixture.scale"
        f"{' or its share of the task' if claim.share < 1 else ''}"
    )


def _shortage(stage: str, mixture: Mixture, supply: Supply, task: Task) -> str:
    needed = f", or let it repeat (exhausted: repeat, passes: {ceil(supply.passes)})" if supply.has else ""
    passes = f"{mixture.passes} passes" if mixture.passes > 1 else "one pass"
    return (
        f"too little data: stage {stage} declares {supply.wanted:,.0f} {mixture.unit} of {supply.name}, "
        f"{passes} over {supply.source or ', '.join(task.sources)} hold{'' if mixture.passes > 1 else 's'} about "
        f"{supply.has * mixture.passes:,.0f}{_drawn_before(supply)}; add data, or lower training.{stage}.mixture.scale{needed}"
    )


def _drawn_before(supply: Supply) -> str:
    return f", of which the stages before draw {supply.has * supply.before:,.0f}" if supply.before else ""


def tokens_of(pipeline: Pipeline, task: Task, held: Holding) -> float:
    """Estimated tokens of a task in one pass over a source."""
    if task.takes is Document:
        return held.bytes / BYTES_A_TOKEN
    units = held.seconds * sum(pipeline.tokens_a_second(stream) for stream in task.streams) * KEPT_BY_DEDUP
    words = held.seconds * WORDS_A_SECOND * TOKENS_A_WORD
    kind = type(task).__module__.rpartition(".")[2]
    return {"speech": units, "words": (units + words) / 2}.get(kind, units + words)


def _show_sources(console: Console, held: dict[str, Holding], sources: Mapping[str, Source]) -> None:
    rows = table("Sources", "source", "items", "read", "documents or utterances", "hours", "text MB", "no header")
    for name, h in held.items():
        rows.add_row(
            name, f"{h.items:,.0f}", f"{h.read:,}", f"{h.records:,.0f}", f"{h.seconds / 3600:,.3f}",
            f"{h.bytes / 1e6:,.2f}", f"{h.unreadable:,.0f}",
        )  # fmt: skip
    console.print(rows)
    show_passed_over(console, sources)


def _show_stage(
    console: Console, pipeline: Pipeline, name: str, stage: TrainingStage, held: dict[str, Holding]
) -> None:
    mixture = stage.mixture
    rows = table(
        f"Stage {name}: {float(mixture.size):,.0f} {mixture.unit}", "task", "share", f"declared {mixture.unit}",
        "one pass holds", "passes so far", "verdict",
    )  # fmt: skip
    for s in _supplies(pipeline, name, held):
        cells = (f"{s.share:.2%}", f"{s.wanted:,.0f}", f"{s.has:,.0f}", f"{s.passes:,.2f}")
        rows.add_row(s.name, *cells, _verdict(s, mixture) if s.is_bound or s.has_few_speakers else "")
    console.print(rows)


def _verdict(supply: Supply, mixture: Mixture) -> str:
    if supply.has_few_speakers:
        return "the stage ends early" if mixture.exhausted == "stop" and not supply.is_vain else "too few speakers"
    if supply.passes <= mixture.passes:
        return "enough"
    if not supply.is_short(mixture):
        return "not known: items without a header"
    return "the stage ends early" if mixture.exhausted == "stop" else "too little data"


def _supplies(pipeline: Pipeline, stage: str, held: dict[str, Holding]) -> Iterator[Supply]:
    """One supply for each task, and one for each source of a task that has several."""
    training = pipeline.recipe.training[stage]
    for name, weight in training.mixture.weights.items():
        sources = pipeline.tasks[name].sources
        whole = _supply(pipeline, stage, name, "", held, float(weight))
        yield whole
        shares = next(shares for level, shares in training.mixture.tasks[name].levels if level == "source")
        for source in sources if len(sources) > 1 else ():
            declared = shares[source] / sum(shares.values()) if isinstance(shares, dict) else None
            has = _amount(pipeline, training, pipeline.tasks[name], held[source])
            share = declared if declared is not None else has / whole.has if whole.has else 0.0
            yield _supply(pipeline, stage, name, source, held, float(weight) * share, declared is not None)


def _supply(
    pipeline: Pipeline,
    stage: str,
    task: str,
    source: str,
    held: dict[str, Holding],
    share: float,
    is_bound: bool = True,
) -> Supply:
    training = pipeline.recipe.training[stage]
    sources = (source,) if source else pipeline.tasks[task].sources
    amounts = [(_amount(pipeline, training, pipeline.tasks[task], held[s]), held[s].readable) for s in sources]
    supply = Supply(
        task=task,
        source=source,
        share=share,
        wanted=float(training.mixture.size) * share,
        has=sum(has for has, _ in amounts),
        at_most=sum(has / readable if readable else inf for has, readable in amounts),
        before=_passes_before(pipeline, stage, task, source, held),
        is_bound=is_bound,
    )
    return replace(supply, voices=_voices(pipeline, stage, supply, held))


def _voices(pipeline: Pipeline, stage: str, supply: Supply, held: dict[str, Holding]) -> Voices | None:
    """None where speakers are not bounded, or not all are known."""
    training = pipeline.recipe.training[stage]
    task, most = pipeline.tasks[supply.task], training.mixture.tasks[supply.task].most.get("speaker")
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
    amounts = {source: _amount(pipeline, training, task, held[source]) for source in task.sources}
    return voices(pipeline, due, most, amounts, {source: held[source].speakers for source in task.sources})


def _passes_before(pipeline: Pipeline, stage: str, task: str, source: str, held: dict[str, Holding]) -> float:
    """Passes over a task's data, or over one source of it, by the stages before."""
    passes = [
        supply.passes - supply.before
        for earlier in pipeline.recipe.before(stage)
        if task in pipeline.recipe.training[earlier].mixture.tasks
        for supply in _supplies(pipeline, earlier, held)
        if (supply.task, supply.source) == (task, source)
    ]
    return sum(passes)


def _amount(pipeline: Pipeline, stage: TrainingStage, task: Task, held: Holding) -> float:
    """What one pass over a source supplies to a task, in the mixture's unit."""
    match stage.mixture.unit:
        case "tokens":
            return tokens_of(pipeline, task, held)
        case "batches":
            return tokens_of(pipeline, task, held) / stage.context
        case "seconds":
            return held.seconds
        case _:
            return held.records
