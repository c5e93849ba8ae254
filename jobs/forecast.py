"""`weft plan`: what a recipe would build and cost, from listings and file headers; nothing is built.

Hours come from headers, tokens from typical rates: 25 Hz units lose a third to deduplication, English speech holds
2.5 words a second and 1.3 tokens a word, text 4 bytes a token.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, inf

from rich.console import Console

from weft.jobs.holdings import Holding, sampled_holding
from weft.jobs.show import table
from weft.pipelines.graph import House
from weft.pipelines.tasks.base import Task
from weft.schemas.text import Document
from weft.schemas.training import Mixture, TrainingStage

KEPT_BY_DEDUP = 0.68
WORDS_A_SECOND = 2.5
TOKENS_A_WORD = 1.3
BYTES_A_TOKEN = 4.0
REAL_TIME = {"ingest": 2000.0, "align": 45.0, "encode": 60.0}  # times real time on one core, embedded backends
HEADERS = 10_000  # of a source are read; what a larger one holds is scaled up


@dataclass(frozen=True, slots=True)
class Supply:
    """What one task of a stage is due and what one pass over its data holds, in the mixture's unit.

    `at_most` is what a pass would hold if items that do not say what they hold, held as much as those that do.
    """

    task: str
    share: float
    wanted: float
    has: float
    at_most: float

    @property
    def passes(self) -> float:
        return self.wanted / self.has if self.has else inf

    def is_short(self, mixture: Mixture) -> bool:
        """Whether the data cannot be enough, however much the unreadable items hold."""
        return self.wanted > self.at_most * mixture.passes


def show_forecast(console: Console, house: House) -> list[str]:
    """Prints the tables, and returns the shortages after printing them as the last lines."""
    held = {name: sampled_holding(name, source, HEADERS) for name, source in house.sources.items()}
    _show_sources(console, held)
    for name, stage in house.recipe.training.items():
        _show_stage(console, house, name, stage, held)
    seconds = sum(h.seconds for h in held.values())
    cost = ", ".join(f"{stage} {seconds / rate / 3600:.2f} h" for stage, rate in REAL_TIME.items())
    console.print(f"one core, embedded backends, about: {cost}", highlight=False)
    sentences = shortages(house, held)
    for sentence in sentences:
        console.print(sentence, highlight=False, markup=False)
    return sentences


def shortages(house: House, held: dict[str, Holding]) -> list[str]:
    """A sentence for each task of a stage that has too little data: where, how much, and what to do.

    A stage that may end early (`exhausted: stop`) is never short.
    """
    return [
        _shortage(name, stage.mixture, supply, house.tasks[supply.task])
        for name, stage in house.recipe.training.items()
        if stage.mixture.exhausted != "stop"
        for supply in _supplies(house, stage, held)
        if supply.is_short(stage.mixture)
    ]


def _shortage(stage: str, mixture: Mixture, supply: Supply, task: Task) -> str:
    needed = f", or let it repeat (exhausted: repeat, passes: {ceil(supply.passes)})" if supply.has else ""
    passes = f"{mixture.passes} passes" if mixture.passes > 1 else "one pass"
    return (
        f"too little data: stage {stage} declares {supply.wanted:,.0f} {mixture.unit} of task {supply.task}, "
        f"{passes} over {', '.join(task.sources)} hold{'' if mixture.passes > 1 else 's'} about "
        f"{supply.has * mixture.passes:,.0f}; add data, or lower training.{stage}.mixture.scale{needed}"
    )


def tokens_of(house: House, task: Task, held: Holding) -> float:
    """Tokens that one pass over a source gives a task, about."""
    if task.takes is Document:
        return held.bytes / BYTES_A_TOKEN
    units = held.seconds * house.tokenizers[task.tokenizer].rate * KEPT_BY_DEDUP if task.tokenizer else 0.0
    words = held.seconds * WORDS_A_SECOND * TOKENS_A_WORD
    kind = type(task).__module__.rpartition(".")[2]
    return {"speech": units, "words": (units + words) / 2}.get(kind, units + words)


def _show_sources(console: Console, held: dict[str, Holding]) -> None:
    rows = table("Sources", "source", "items", "read", "documents or utterances", "hours", "text MB", "no header")
    for name, h in held.items():
        rows.add_row(
            name, f"{h.items:,.0f}", f"{h.read:,}", f"{h.records:,.0f}", f"{h.seconds / 3600:,.3f}",
            f"{h.bytes / 1e6:,.2f}", f"{h.unreadable:,.0f}",
        )  # fmt: skip
    console.print(rows)


def _show_stage(console: Console, house: House, name: str, stage: TrainingStage, held: dict[str, Holding]) -> None:
    mixture = stage.mixture
    rows = table(
        f"Stage {name}: {float(mixture.size):,.0f} {mixture.unit}", "task", "share", f"declared {mixture.unit}",
        "one pass holds", "passes", "verdict",
    )  # fmt: skip
    for s in _supplies(house, stage, held):
        cells = (f"{s.share:.2%}", f"{s.wanted:,.0f}", f"{s.has:,.0f}", f"{s.passes:,.2f}")
        rows.add_row(s.task, *cells, _verdict(s, mixture))
    console.print(rows)


def _verdict(supply: Supply, mixture: Mixture) -> str:
    if supply.passes <= mixture.passes:
        return "enough"
    if not supply.is_short(mixture):
        return "not known: items without a header"
    return "the stage ends early" if mixture.exhausted == "stop" else "too little data"


def _supplies(house: House, stage: TrainingStage, held: dict[str, Holding]) -> Iterator[Supply]:
    """One of each task, in the mixture's order."""
    for name, weight in stage.mixture.weights.items():
        task = house.tasks[name]
        amounts = [(_amount(house, stage, task, held[s]), held[s].readable) for s in task.sources]
        yield Supply(
            task=name,
            share=float(weight),
            wanted=float(stage.mixture.size * weight),
            has=sum(has for has, _ in amounts),
            at_most=sum(has / readable if readable else inf for has, readable in amounts),
        )


def _amount(house: House, stage: TrainingStage, task: Task, held: Holding) -> float:
    """What one pass over a source gives a task, in the mixture's unit."""
    match stage.mixture.unit:
        case "tokens":
            return tokens_of(house, task, held)
        case "batches":
            return tokens_of(house, task, held) / stage.context
        case "seconds":
            return held.seconds
        case _:
            return held.records
