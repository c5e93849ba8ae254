"""The losses of a run: two files to which rows are appended.

    losses.jsonl      {"step": 1, "task": "all", "loss": 7.61, "tokens": 4090, "lr": 3e-05}
                      {"step": 1, "task": "words", "loss": 7.58, "tokens": 2011, "lr": 3e-05}
    validation.jsonl  {"step": 100, "task": "words", "loss": 4.02, "tokens": 61204}
                      {"step": 100, "task": "pairs", "loss": 0.61, "tokens": 40, "metrics": {"accuracy": 0.7, "margin": 0.2}}

Losses are in nats a token (a pair; of prompts the mean of the replies): in training before the step's update, on validation data
after it. `tokens` are those that count (or pairs, or replies). On resume both files are truncated to the checkpoint's step, so an
interrupted run has the same files as an uninterrupted one.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from weft.trainer.runs import anew

NAME = "losses.jsonl"
VALIDATION = "validation.jsonl"
R = TypeVar("R", "LossRow", "ValidationRow")


@dataclass(frozen=True, slots=True)
class LossRow:
    """One task's mean loss at one step; `all` is the whole batch. Without counted tokens the loss is 0.

    With pairs `tokens` are pairs, with prompts replies; `metrics` holds further means, such as the accuracy of the preference or the
    reward.
    """

    step: int
    task: str
    loss: float
    tokens: int
    lr: float
    metrics: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ValidationRow:
    """One task's mean loss on its held-out samples after `step` steps; `tokens` and `metrics` are as in LossRow."""

    step: int
    task: str
    loss: float
    tokens: int
    metrics: dict[str, float] = field(default_factory=dict)


def append(run: Path, rows: Sequence[LossRow]) -> None:
    """Appends rows and syncs them to disk, so that no checkpoint is ahead of its losses."""
    _append(run / NAME, rows)


def append_validation(run: Path, rows: Sequence[ValidationRow]) -> None:
    """Appends rows to `validation.jsonl`."""
    _append(run / VALIDATION, rows)


def read(run: Path) -> Iterator[LossRow]:
    """The rows in order, without an unfinished last line of a killed writer."""
    return (row for _, row in _lines(run / NAME, LossRow))


def read_validation(run: Path) -> Iterator[ValidationRow]:
    """The rows of `validation.jsonl` in order; none where there is no such file."""
    file = run / VALIDATION
    return (row for _, row in (_lines(file, ValidationRow) if file.exists() else ()))


def truncate(run: Path, step: int) -> None:
    """Drops the rows after `step`. Raises ValueError when the losses end before it."""
    if step == 0:
        (run / NAME).write_text("")
        (run / VALIDATION).unlink(missing_ok=True)
        return
    keep, last = _bytes_until(run / NAME, LossRow, step) if (run / NAME).exists() else (0, 0)
    if last != step:
        raise ValueError(
            f"{run / NAME} ends at step {last}, the checkpoint is of step {step}; restore it, or {anew(run)}"
        )
    os.truncate(run / NAME, keep)
    if (run / VALIDATION).exists():
        os.truncate(run / VALIDATION, _bytes_until(run / VALIDATION, ValidationRow, step)[0])


def _append(file: Path, rows: Sequence[LossRow] | Sequence[ValidationRow]) -> None:
    with open(file, "a", encoding="utf-8") as lines:
        lines.writelines(json.dumps(_without_empty(asdict(row)), allow_nan=False) + "\n" for row in rows)
        lines.flush()
        os.fsync(lines.fileno())


def _without_empty(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if value != {}}


def _lines(file: Path, record: type[R]) -> Iterator[tuple[bytes, R]]:
    """Each whole line with its row. Raises ValueError for a line that is not a row."""
    with open(file, "rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.endswith(b"\n"):
                return
            try:
                yield line, record(**json.loads(line))
            except (TypeError, ValueError) as fault:
                raise ValueError(
                    f"{file}, line {number}: not a row of losses; repair it, or {anew(file.parent)}"
                ) from fault


def _bytes_until(file: Path, record: type[R], step: int) -> tuple[int, int]:
    """The length of the part up to `step`, and the last step in it."""
    keep, last = 0, 0
    for line, row in _lines(file, record):
        if row.step > step:
            break
        keep, last = keep + len(line), row.step
    return keep, last
