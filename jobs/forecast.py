"""`weft plan`: what a recipe would build and cost, from listings and file headers; nothing is built.

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
SURELY = 8.0  # times what is estimated: tokens a second of speech or a byte of text may be as many
HEADERS = 10_000  # of a source are read; what a larger one holds is scaled up


@dataclass(frozen=True, slots=True)
class Supply:
    """What one task of a stage, or one of its sources, is due and what one pass over its data holds, in the mixture's unit.

    `at_most` is what a pass would hold if items that do not say what they hold, held as much as those that do. `before` are
    the passes that the stages it goes on from have drawn. `is_bound` says that its share of the task is declared, `voices` what its
    speakers may give where each has a bound and all are known.
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
        """This stage's and those before it."""
        return self.before + (self.wanted / self.has if self.has else inf)

    def is_short(self, mixture: Mixture) -> bool:
        """Whether the data cannot be enough, however much the unreadable items hold."""
        return self.is_bound and self._exceeds(self.at_most * max(0.0, mixture.passes - self.before))

    def is_far_short(self, mixture: Mixture) -> bool:
        """Whether no error of an estimate can make it enough."""
        return (
            self.is_bound
            and self.has > 0
            and self._exceeds(SURELY * self.at_most * max(0.0, mixture.passes - self.before))
        )

    @property
    def is_vain(self) -> bool:
        """Whether its speakers can never fill it, however much there is of them."""
        return self.voices is not None and self.voices.claim.is_vain

    @property
    def has_few_speakers(self) -> bool:
        """Whether what its speakers may give is not enough."""
        return self.is_vain or (self.voices is not None and self._exceeds(self.voices.allowed))

    def _exceeds(self, there: float) -> bool:
        return self.wanted > there * (1 + 1e-9)


def show_forecast(console: Console, pipeline: Pipeline, as_json: bool = False) -> list[str]:
    """Prints the tables, and returns the shortages after printing them as the last lines.

    Raises SplitError for a share that holds out nobody or everybody, as far as the listings name them.
    """
    for space in pipeline.spaces:
        check_listing(space, pipeline.sources)
    held = holdings(pipeline, HEADERS)
    sentences = shortages(pipeline, held)
    if as_json:
        print(plain_json(json.dumps(_record(pipeline, held, sentences), indent=1, ensure_ascii=False)))
        return sentences
    _show_sources(console, held, pipeline.sources)
    for name, stage in pipeline.recipe.training.items():
        _show_stage(console, pipeline, name, stage, held)
    console.print(f"one core, embedded backends, about: {_times(costs.stages(held))}", highlight=False)
    if learnt := costs.learning(pipeline, held):
        console.print(f"what learns, one core, about: {_times(learnt)}", highlight=False)
    for sentence in sentences:
        console.print(plain(sentence), highlight=False, markup=False)
    return sentences


def holdings(pipeline: Pipeline, most: int) -> dict[str, Holding]:
    """What each source holds, from at most `most` headers of it; by speaker where a task bounds them. Raises EmptySource."""
    mixtures = (stage.mixture for stage in pipeline.recipe.training.values())
    bounded = {task for mixture in mixtures for task, share in mixture.tasks.items() if share.most}
    voiced = {source for task in bounded for source in pipeline.tasks[task].sources}
    return {name: sampled_holding(name, source, most, name in voiced) for name, source in pipeline.sources.items()}


def _times(seconds: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {clock_time(amount)}" for name, amount in seconds.items())


def _record(pipeline: Pipeline, held: Mapping[str, Holding], sentences: Sequence[str]) -> dict[str, object]:
    return {
        "sources": {name: asdict(h) | {"speakers": len(h.speakers) or None} for name, h in held.items()},
        "stages": {n: [_as_json(s) for s in _supplies(pipeline, n, dict(held))] for n in pipeline.recipe.training},
        "seconds_on_one_core": {**costs.stages(dict(held)), **costs.learning(pipeline, dict(held))},
        "too_little_data": list(sentences),
    }


def _as_json(supply: Supply) -> dict[str, object]:
    """What is not known, or has no end, is null."""
    known = {"passes": supply.passes, "speakers_give": supply.voices.allowed if supply.voices else None}
    record = asdict(replace(supply, voices=None)) | known
    del record["voices"]
    return {key: None if value == inf else value for key, value in record.items()}


def shortages(pipeline: Pipeline, held: dict[str, Holding]) -> list[str]:
    """A sentence for each task of a stage that has too little data: where, how much, and what to do.

    A stage that may end early (`exhausted: stop`) is short only where its speakers can never fill a share.
    """
    return [*_sentences(pipeline, held, Supply.is_short)]


def certain_shortages(pipeline: Pipeline, held: dict[str, Holding]) -> list[str]:
    """The same of those that are certain before anything is read, if headers and listings say how long all is."""
    return [*_sentences(pipeline, held, _is_certain(pipeline))]


def _is_certain(pipeline: Pipeline) -> Callable[[Supply, Mixture], bool]:
    """Estimates of records, and of how long it takes to say what is written, may be wrong by any factor."""

    def is_certain(supply: Supply, mixture: Mixture) -> bool:
        sources = (supply.source,) if supply.source else pipeline.tasks[supply.task].sources
        written = any(pipeline.sources[source].makes is Dialogue for source in sources)
        return mixture.unit not in ("samples", "weights") and not written and supply.is_far_short(mixture)

    return is_certain


def _sentences(
    pipeline: Pipeline, held: dict[str, Holding], is_short: Callable[[Supply, Mixture], bool]
) -> Iterator[str]:  # fmt: skip
    for name, stage in pipeline.recipe.training.items():
        vain: set[str] = set()
        for supply in _supplies(pipeline, name, held):
            if supply.is_vain and supply.voices:
                if supply.task not in vain:
                    yield f"too little data: stage {name}: {supply.voices.claim.refusal()}"
                vain |= set() if supply.source else {supply.task}
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
    """Tokens that one pass over a source gives a task, about."""
    if task.takes is Document:
        return held.bytes / BYTES_A_TOKEN
    units = held.seconds * pipeline.tokenizers[task.tokenizer].rate * KEPT_BY_DEDUP if task.tokenizer else 0.0
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
    """One of each task, and one of each of its sources where it has several."""
    training = pipeline.recipe.training[stage]
    for name, weight in training.mixture.weights.items():
        sources = pipeline.tasks[name].sources
        whole = _supply(pipeline, stage, name, "", held, float(weight))
        yield whole
        shares = next(shares for level, shares in training.mixture.tasks[name].levels if level == "source")
        for source in sources if len(sources) > 1 else ():
            declared = shares[source] / sum(shares.values()) if isinstance(shares, dict) else None
            mine = _amount(pipeline, training, pipeline.tasks[name], held[source])
            share = declared if declared is not None else mine / whole.has if whole.has else 0.0
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
        task=task, source=source, share=share, wanted=float(training.mixture.size) * share, has=sum(has for has, _ in amounts),
        at_most=sum(has / readable if readable else inf for has, readable in amounts),
        before=_passes_before(pipeline, stage, task, source, held), is_bound=is_bound,
    )  # fmt: skip
    return replace(supply, voices=_voices(pipeline, stage, supply, held))


def _voices(pipeline: Pipeline, stage: str, supply: Supply, held: dict[str, Holding]) -> Voices | None:
    """None where nobody has a bound, or not all speakers are known."""
    training = pipeline.recipe.training[stage]
    task, most = pipeline.tasks[supply.task], training.mixture.tasks[supply.task].most.get("speaker")
    if most is None:
        return None
    weight = training.mixture.weights[supply.task]
    share = (Fraction(supply.share) / weight).limit_denominator(10**6) if supply.source else Fraction(1)
    due = Due(
        task=supply.task, source=supply.source, share=share, whole=float(training.mixture.size * weight),
        passes=max(0.0, training.mixture.passes - supply.before),
    )  # fmt: skip
    amounts = {source: _amount(pipeline, training, task, held[source]) for source in task.sources}
    return voices(pipeline, due, most, amounts, {source: held[source].speakers for source in task.sources})


def _passes_before(pipeline: Pipeline, stage: str, task: str, source: str, held: dict[str, Holding]) -> float:
    """How often the stages before went through a task's data, or one source of it."""
    found = [
        supply.passes - supply.before
        for earlier in pipeline.recipe.before(stage)
        if task in pipeline.recipe.training[earlier].mixture.tasks
        for supply in _supplies(pipeline, earlier, held)
        if (supply.task, supply.source) == (task, source)
    ]
    return sum(found)


def _amount(pipeline: Pipeline, stage: TrainingStage, task: Task, held: Holding) -> float:
    """What one pass over a source gives a task, in the mixture's unit."""
    match stage.mixture.unit:
        case "tokens":
            return tokens_of(pipeline, task, held)
        case "batches":
            return tokens_of(pipeline, task, held) / stage.context
        case "seconds":
            return held.seconds
        case _:
            return held.records
