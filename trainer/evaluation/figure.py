"""Draws the evaluations of a run, evaluation.png: nats a token on held-out samples, stage by stage, a curve for each condition."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from weft.trainer.evaluation.record import EvaluationRow, measured_conditions

NAME = "evaluation.png"


def draw(run: Path, rows: Sequence[EvaluationRow]) -> Path:
    """Draws the rows from left to right in their order, and returns the path of the picture."""
    figure = Figure(figsize=(max(6, 1.1 * len(rows)), 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(ylabel="nats a token, held-out samples", title=run.resolve().name)
    for condition in measured_conditions(rows):
        points = [(n, row.figures[condition].per_token) for n, row in enumerate(rows) if condition in row.figures]
        axes.plot(*zip(*points, strict=True), marker="o", label=condition)
    axes.set_xticks(range(len(rows)), [row.name for row in rows], rotation=30, ha="right")
    axes.legend()
    scratch, picture = run / ".evaluation.tmp.png", run / NAME
    figure.savefig(scratch, dpi=120)
    return scratch.replace(picture)
