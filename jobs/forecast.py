"""`weft plan`: what a recipe would build and cost, from listings and file headers; nothing is built.

Hours come from headers, tokens from typical rates: 25 Hz units lose a third to deduplication, English speech holds
2.5 words a second and 1.3 tokens a word, text 4 bytes a token.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import fsspec
import soundfile
from rich.console import Console

from weft.jobs.show import table
from weft.pipelines.graph import House
from weft.pipelines.holdout import check_listing
from weft.pipelines.listing import listed
from weft.pipelines.sources.base import Source
from weft.pipelines.tasks.base import Task
from weft.schemas.item import Item
from weft.schemas.text import Dialogue, Document
from weft.schemas.training import TrainingStage

KEPT_BY_DEDUP = 0.68
WORDS_A_SECOND = 2.5
TOKENS_A_WORD = 1.3
BYTES_A_TOKEN = 4.0
BYTES_A_SAMPLE = 2048
SECONDS_A_TURN = 3.0
REAL_TIME = {"ingest": 2000.0, "align": 45.0, "encode": 60.0}  # times real time on one core, embedded backends


@dataclass(frozen=True, slots=True)
class Holding:
    """What a source seems to hold; `unreadable` items have no header that says how long they are."""

    items: int = 0
    seconds: float = 0.0
    bytes: int = 0
    unreadable: int = 0

    def __add__(self, other: "Holding") -> "Holding":
        return Holding(
            self.items + other.items, self.seconds + other.seconds, self.bytes + other.bytes,
            self.unreadable + other.unreadable,
        )  # fmt: skip


def show_forecast(console: Console, house: House) -> None:
    """Raises SplitError for a share that holds out nobody or everybody, as far as the listings name them."""
    for space in house.spaces:
        check_listing(space, house.sources)
    held = {name: holding(name, source) for name, source in house.sources.items()}
    rows = table("Sources", "source", "items", "hours", "text MB", "no header")
    for name, h in held.items():
        rows.add_row(name, f"{h.items:,}", f"{h.seconds / 3600:,.3f}", f"{h.bytes / 1e6:,.2f}", f"{h.unreadable:,}")
    console.print(rows)
    for name, stage in house.recipe.training.items():
        _show_stage(console, house, name, stage, held)
    seconds = sum(h.seconds for h in held.values())
    cost = ", ".join(f"{stage} {seconds / rate / 3600:.2f} h" for stage, rate in REAL_TIME.items())
    console.print(f"one core, embedded backends, about: {cost}", highlight=False)


def holding(name: str, source: Source) -> Holding:
    """Reads headers only. Raises EmptySource where nothing is listed."""
    return sum((_held(source, item) for item in listed(name, source)), Holding())


def _held(source: Source, item: Item) -> Holding:
    if source.makes is Document:
        return Holding(1, bytes=item.length)
    if source.makes is Dialogue:
        return Holding(1, seconds=SECONDS_A_TURN * item.payload.count('"text"'))
    try:
        with fsspec.open(item.uri, "rb") as file:
            return Holding(1, seconds=soundfile.info(file).duration)
    except (OSError, soundfile.LibsndfileError, ValueError):
        return Holding(1, unreadable=1)


def tokens_of(house: House, task: Task, held: Holding) -> float:
    """Tokens that one pass over a source gives a task, about."""
    if task.takes is Document:
        return held.bytes / BYTES_A_TOKEN
    units = held.seconds * house.tokenizers[task.tokenizer].rate * KEPT_BY_DEDUP
    words = held.seconds * WORDS_A_SECOND * TOKENS_A_WORD
    kind = type(task).__module__.rpartition(".")[2]
    return {"speech": units, "words": (units + words) / 2}.get(kind, units + words)


def _show_stage(console: Console, house: House, name: str, stage: TrainingStage, held: dict[str, Holding]) -> None:
    mixture = stage.mixture
    rows = table(
        f"Stage {name}: {float(mixture.size):,.0f} {mixture.unit}", "task", "share", f"declared {mixture.unit}",
        "one pass holds", "passes", "verdict",
    )  # fmt: skip
    for task, share, wanted, has in _supply(house, stage, held):
        passes = wanted / has if has else float("inf")
        fits = passes <= (mixture.passes if mixture.exhausted == "repeat" else 1)
        verdict = "enough" if fits else "the stage ends early" if mixture.exhausted == "stop" else "too little data"
        rows.add_row(task, f"{share:.2%}", f"{wanted:,.0f}", f"{has:,.0f}", f"{passes:,.2f}", verdict)
    console.print(rows)


def _supply(house: House, stage: TrainingStage, held: dict[str, Holding]) -> Iterator[tuple[str, float, float, float]]:
    """Each task's share, what it is due and what one pass holds, in the mixture's unit."""
    unit = stage.mixture.unit
    for name, weight in stage.mixture.weights.items():
        task = house.tasks[name]
        sources = [held[s] for s in task.sources]
        has = {
            "tokens": sum(tokens_of(house, task, h) for h in sources),
            "batches": sum(tokens_of(house, task, h) for h in sources) / stage.context,
            "seconds": sum(h.seconds for h in sources),
        }.get(unit, float(sum(h.items for h in sources)))
        yield name, float(weight), float(stage.mixture.size * weight), has
