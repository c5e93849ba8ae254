"""Plots the losses of a run to `losses.png`: nats a token over steps, a curve for each task and one for all."""

from collections.abc import Iterator
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from weft.trainer.losses import LossRow, ValidationRow, read, read_validation


def plot(run: Path) -> Path:
    """Draws the figure and returns its path. Validation losses are dashed, in the colour of their task."""
    figure = Figure(figsize=(8, 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(xlabel="step", ylabel="loss (nats a token)", title=run.name)
    training, validation = _curves(read(run)), _curves(read_validation(run))
    for number, task in enumerate(sorted(training.keys() | validation.keys())):
        _draw(axes, training.get(task, []), label=task, color=f"C{number}", linewidth=2 if task == "all" else 1)
        _draw(axes, validation.get(task, []), label=f"{task}, validation", color=f"C{number}", linestyle="--")
    if training or validation:
        axes.legend()
    scratch, picture = run / "losses.tmp.png", run / "losses.png"
    figure.savefig(scratch, dpi=120)
    return scratch.replace(picture)


def _curves(rows: Iterator[LossRow] | Iterator[ValidationRow]) -> dict[str, list[tuple[int, float]]]:
    curves: dict[str, list[tuple[int, float]]] = {}
    for row in rows:
        if row.tokens:
            curves.setdefault(row.task, []).append((row.step, row.loss))
    return curves


def _draw(axes: Axes, points: list[tuple[int, float]], **style: object) -> None:
    if points:
        # a single validation is one point, and a line through one point is invisible
        axes.plot(*zip(*points, strict=True), marker="o" if len(points) == 1 else "", **style)  # type: ignore[arg-type]
