"""`make systems`: the four systems in small, trained through all their stages on the corpora of `make corpora`, in one table.

    python benchmarks/systems.py corpora      ->  corpora/runs/step-audio-2-small/align/ …   and a row for each stage of each system

What is missing of the corpora is built first, and all are audited. A run that was stopped goes on; what has ended is kept.
"""

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from weft.benchmarks import corpora
from weft.benchmarks.learning.trained import LearningCorpus
from weft.benchmarks.support import ratio_replies
from weft.benchmarks.support.processor import ProcessorClock
from weft.jobs.commands import console, open_corpus, read_pipeline
from weft.jobs.evaluation_tables import METRICS, row_cells
from weft.jobs.show import cell, table
from weft.jobs.training import run_training
from weft.trainer.evaluation import record
from weft.trainer.evaluation.record import EvaluationRow, measured_conditions

RUNS = "runs"


@dataclass(frozen=True)
class TrainedSystem:
    """A system's run: its evaluations, the steps of each stage, and the minutes of its training by the clock and of all processors."""

    recipe: str
    rows: dict[str, EvaluationRow]
    steps: dict[str, int]
    minutes: float
    processor_minutes: float


def train_system(recipe: str) -> TrainedSystem:
    out = Path(RUNS) / recipe
    began = time.monotonic()
    with ProcessorClock() as clock:
        results = run_training(read_pipeline(recipe), recipe, stage="", out=out, resume=out.exists())
    return TrainedSystem(
        recipe=recipe,
        rows=record.read(out),
        steps={result.checkpoint.parents[1].name: result.step for result in results},
        minutes=(time.monotonic() - began) / 60,
        processor_minutes=clock.seconds / 60,
    )


def show(systems: list[TrainedSystem]) -> None:
    """One row for each stage and merge of each system, and what it started from."""
    conditions = measured_conditions(row for system in systems for row in system.rows.values())
    grid = table(
        "The four systems in small: nats a token / bits a second, on held-out samples",
        "system", "stage", "steps", *conditions, *METRICS.values(), "cost to text",
    )  # fmt: skip
    for system in systems:
        for cells in _cells(system, conditions):
            grid.add_row(*cells)
        grid.add_section()
    console.print(grid)
    times = table("Time", "system", "minutes", "processor minutes")
    for system in systems:
        times.add_row(system.recipe, f"{system.minutes:.1f}", f"{system.processor_minutes:.1f}")
    console.print(times)


def _cells(system: TrainedSystem, conditions: list[str]) -> Iterator[list[str]]:
    for number, (name, row) in enumerate(system.rows.items()):
        stage, *figures = row_cells(row, system.rows, conditions, METRICS)
        steps = f"{system.steps[name]:,}" if name in system.steps else ""
        yield [cell("" if number else system.recipe), stage, steps, *figures]


def show_replies() -> None:
    """In how many sampled replies the checkpoints keep to the ratio of text and codes that they were taught, the last ones last."""
    counted = ("prompts", "own answers in the ratio", "replies", "ended", "in the ratio")
    grid = table("Replies to held-out prompts", "system", "checkpoint", "temperature", *counted)
    for recipe, taught in ratio_replies.SYSTEMS.items():
        store, pipeline = open_corpus(recipe)
        corpus = LearningCorpus(pipeline=pipeline, store=store, folder=Path(RUNS) / recipe)
        for stage, temperature in product(taught.stages, ratio_replies.TEMPERATURES):
            obeying = ratio_replies.count_obeying(corpus, taught, stage, temperature)
            console.print(f"{recipe}, {stage} at {temperature:g}: {obeying.right} of {obeying.replies} in the ratio")
            counts = (obeying.prompts, obeying.own_right, obeying.replies, obeying.ended, obeying.right)
            grid.add_row(recipe, stage, f"{temperature:g}", *(str(count) for count in counts))
    console.print(grid)


def main(folder: str) -> int:
    if code := corpora.main(
        folder
    ):  # a corpus whose build was stopped goes on, and all are audited: they are trained on
        return code
    systems = []
    for recipe in corpora.SYSTEMS:
        console.rule(recipe)
        systems.append(train_system(recipe))
    show(systems)
    show_replies()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:] or ["corpora"]))
