"""The losses of a run for TensorBoard, beside the JSON lines: `tensorboard --logdir RUN`."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from weft.trainer.losses import LossRow, ValidationRow

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

FOLDER = "tensorboard"


class Board:
    """Event files in `run/tensorboard`. Events after `step`, from which a run is resumed, are hidden."""

    def __init__(self, run: Path, step: int) -> None:
        self._folder, self._first = run / FOLDER, step + 1
        self._opened: SummaryWriter | None = None  # by the first row: a run that trains nothing leaves no empty file

    def __enter__(self) -> "Board":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._opened:
            self._opened.close()

    def add(self, rows: Sequence[LossRow], validation: Sequence[ValidationRow]) -> None:
        """Adds the losses of one step, a curve for each task, in nats a token; its other measures; and the learning rate."""
        for row in rows:
            if row.tokens:
                self._add(f"loss/{row.task}", row.loss, row.step)
                for name, value in row.metrics.items():
                    self._add(f"{name}/{row.task}", value, row.step)
        for held_out in validation:
            if held_out.tokens:
                self._add(f"validation/{held_out.task}", held_out.loss, held_out.step)
        if rows:
            self._add("learning_rate", rows[0].lr, rows[0].step)

    def _add(self, name: str, value: float, step: int) -> None:
        self._writer().add_scalar(name, value, step)

    def _writer(self) -> "SummaryWriter":
        if self._opened is None:
            from torch.utils.tensorboard import SummaryWriter  # its import takes a second

            self._opened = SummaryWriter(str(self._folder), purge_step=self._first)
        return self._opened
