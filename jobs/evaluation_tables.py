"""Prints the evaluations of a run as one table: a row a stage, and what each cost the text.

stage                  text     speech        text given speech  speech given text  accuracy of preferences  cost to text
start of pretrain      7.66 / …
"""

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console

from weft.jobs.show import cell, table
from weft.trainer.evaluation.measuring import ConditionLoss
from weft.trainer.evaluation.record import EvaluationRow, measured_conditions

# the measures that have a column besides the losses: a sum over held-out pairs, and the objectives' own metrics
PREFERRED = "preferred"
METRICS = {PREFERRED: "chosen is likelier", "accuracy": "accuracy of preferences", "reward": "mean reward"}


def show_evaluation(console: Console, rows: Mapping[str, EvaluationRow], title: str = "Evaluation") -> None:
    """Prints the rows. Losses are nats a token and, after a slash, bits a second of speech."""
    conditions = measured_conditions(rows.values())
    metrics = [name for name in METRICS if any(_mean(row, name) for row in rows.values())]
    grid = table(
        f"{title}: nats a token / bits a second, on held-out samples",
        "stage", *conditions, *(METRICS[name] for name in metrics), "cost to text",
    )  # fmt: skip
    for row in rows.values():
        grid.add_row(*row_cells(row, rows, conditions, metrics))
    console.print(grid)
    figures = max((row.figures for row in rows.values()), key=len)
    counts = ", ".join(f"{figure.tokens:,} {name}" for name, figure in figures.items())
    console.print(f"tokens: {counts}; cost to text: nats a token, against what the stage started from", highlight=False)


def row_cells(
    row: EvaluationRow, rows: Mapping[str, EvaluationRow], conditions: Sequence[str], metrics: Iterable[str]
) -> list[str]:
    """The name of the row, its losses, the means of its metrics with their samples, and what it cost the text."""
    cost = row.text_cost(rows)
    losses = [_loss(row.figures.get(name)) for name in conditions]
    means = [_mean(row, name) for name in metrics]
    return [cell(row.name), *losses, *means, "" if cost is None else f"{cost:+z.3f}"]


def _mean(row: EvaluationRow, name: str) -> str:
    """A measure, that before the stage's first step ahead of it where it is known, and over how many pairs or replies it is the mean;
    "" where the row has none.
    """
    if name == PREFERRED:
        return f"{row.preferred.share:.3f} of {row.preferred.pairs:,}" if row.preferred else ""
    if name not in row.metrics:
        return ""
    before = f"{row.metrics_before[name]:z.3f} → " if name in row.metrics_before else ""
    return f"{before}{row.metrics[name]:z.3f} of {row.metric_samples:,}"


def _loss(figure: ConditionLoss | None) -> str:
    if figure is None:
        return ""
    bits = figure.bits_per_second
    return f"{figure.per_token:.3f}" + (f" / {bits:,.1f}" if bits is not None else "")
