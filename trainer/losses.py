"""The loss curves of a run: a file one appends to, and a picture of it.

    losses.jsonl  {"step": 1, "task": "all", "loss": 7.61, "tokens": 4090, "lr": 3e-05}
                  {"step": 1, "task": "words", "loss": 7.58, "tokens": 2011, "lr": 3e-05}

Losses are nats a token, before the step's update; tokens are those that counted. On resume the file is cut back to
the checkpoint's step, so an interrupted run leaves the file an uninterrupted one would.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

NAME = "losses.jsonl"


@dataclass(frozen=True, slots=True)
class LossRow:
    """One task's mean loss at one step; `all` is the whole batch. With no tokens that count the loss is 0."""

    step: int
    task: str
    loss: float
    tokens: int
    lr: float


def append(run: Path, rows: Sequence[LossRow]) -> None:
    """Adds rows at the end. They are on disk when this returns, so no checkpoint is ahead of its losses."""
    with open(run / NAME, "a", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(row), allow_nan=False) + "\n" for row in rows)
        file.flush()
        os.fsync(file.fileno())


def read(run: Path) -> Iterator[LossRow]:
    """The rows in order; a last line that a killed writer left unfinished is not one."""
    with open(run / NAME, encoding="utf-8") as file:
        for line in file:
            if line.endswith("\n"):
                yield LossRow(**json.loads(line))


def truncate(run: Path, step: int) -> None:
    """Drops what was logged after `step`. Raises ValueError when the file stops before it."""
    if step == 0:
        (run / NAME).write_text("")
        return
    keep, last = _bytes_until(run / NAME, step)
    if last != step:
        raise ValueError(
            f"{run / NAME} ends at step {last}, the checkpoint is of step {step}; restore it or start anew"
        )
    os.truncate(run / NAME, keep)


def _bytes_until(file: Path, step: int) -> tuple[int, int]:
    """The length of the part up to `step`, and the last step in it."""
    keep, last = 0, 0
    for line in file.read_bytes().splitlines(keepends=True) if file.exists() else ():
        if not line.endswith(b"\n") or (row := LossRow(**json.loads(line))).step > step:
            break
        keep, last = keep + len(line), row.step
    return keep, last


def plot(run: Path) -> Path:
    """Draws `losses.png`: loss in nats a token over steps, a curve for each task and one for all."""
    curves: dict[str, list[tuple[int, float]]] = {}
    for row in read(run):
        if row.tokens:
            curves.setdefault(row.task, []).append((row.step, row.loss))
    figure = Figure(figsize=(8, 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(xlabel="step", ylabel="loss (nats a token)", title=run.name)
    for task, points in sorted(curves.items()):
        axes.plot(*zip(*points, strict=True), label=task, linewidth=2 if task == "all" else 1)
    if curves:
        axes.legend()
    scratch, picture = run / "losses.tmp.png", run / "losses.png"
    figure.savefig(scratch, dpi=120)
    return scratch.replace(picture)
