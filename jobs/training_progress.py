"""What `weft train` shows of a stage while it runs: a bar on a terminal, plain lines in a pipe."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from weft.jobs.commands import console
from weft.jobs.progress import SELDOM, WRITTEN
from weft.jobs.show import clock_time
from weft.schemas.training import TrainingStage
from weft.trainer.losses import LossRow, ValidationRow
from weft.trainer.train import StepReport


@contextmanager
def progress(name: str, stage: TrainingStage) -> Iterator[Callable[[StepReport], None]]:
    """Shows a bar, or plain lines without a terminal; validation losses are lines in both."""
    columns = (
        TextColumn(name),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(name, total=None, note="")
        lines = StepLines()

        def report(step: StepReport) -> None:
            note = losses_line(step.rows)
            bar.update(task, completed=step.step, total=step.steps, note=note)
            if lines.is_due(step) and not console.is_terminal:
                console.print(f"{name}: step {step.step} of {step.steps}  {note}  {lines.pace(step)}", highlight=False)
            if step.validation:
                line = validation_line(step.validation, list(stage.mixture.weights))
                console.print(f"{name}: step {step.step} of {step.steps}  {line}", highlight=False)

        yield report


@dataclass
class StepLines:
    """Plain lines without a terminal: selects the first step, the last, and one in at least 10 s; and computes their rate."""

    seconds: float = 0.0
    steps: int = 0
    last_line: float = -inf  # seconds

    def is_due(self, step: StepReport) -> bool:
        self.seconds, self.steps = self.seconds + step.seconds, self.steps + 1
        if self.seconds - self.last_line < max(WRITTEN, self.seconds / SELDOM) and step.step < step.steps:
            return False
        self.last_line = self.seconds
        return True

    def pace(self, step: StepReport) -> str:
        each = self.seconds / self.steps
        rate = f"{1 / each:,.2f}/s, " if each else ""
        return f"{rate}{clock_time((step.steps - step.step) * each)} left"


def losses_line(rows: Sequence[LossRow] | Sequence[ValidationRow]) -> str:
    """The loss of each task, in nats a token, and its mean reward; a task without counted tokens has none."""
    return "  ".join(
        f"{row.task} {row.loss:z.3f}{_reward(row)}" if row.tokens else f"{row.task} no counted tokens" for row in rows
    )


def _reward(row: LossRow | ValidationRow) -> str:
    return f"  reward {row.metrics['reward']:z.3f}" if isinstance(row, LossRow) and "reward" in row.metrics else ""


def validation_line(rows: Sequence[ValidationRow], tasks: Sequence[str]) -> str:
    """The validation loss of each task, and the tasks that have no held-out samples."""
    missing = ", ".join(sorted(set(tasks) - {row.task for row in rows}))
    return f"validation: {losses_line(rows)}" + (f"  (no held-out samples of {missing})" if missing else "")
