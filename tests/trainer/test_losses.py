"""The loss file is appended to, cut back on resume, and drawn."""

from pathlib import Path

import pytest

from weft.trainer import losses
from weft.trainer.losses import LossRow, ValidationRow


def rows_of(step: int) -> tuple[LossRow, ...]:
    return (
        LossRow(step=step, task="all", loss=1 / step, tokens=10, lr=1e-3),
        LossRow(step=step, task="words", loss=1 / (step + 1), tokens=0, lr=1e-3),
    )


@pytest.fixture
def run(tmp_path: Path) -> Path:
    for step in range(1, 6):
        losses.append(tmp_path, rows_of(step))
    return tmp_path


def test_rows_come_back(run: Path) -> None:
    assert list(losses.read(run)) == [row for step in range(1, 6) for row in rows_of(step)]


def test_resuming_leaves_the_file_as_if_nothing_had_happened(run: Path) -> None:
    whole = (run / losses.NAME).read_bytes()
    with open(run / losses.NAME, "ab") as file:
        file.write(b'{"step": 6, "task"')
    assert len(list(losses.read(run))) == 10
    losses.truncate(run, 3)
    for step in (4, 5):
        losses.append(run, rows_of(step))
    assert (run / losses.NAME).read_bytes() == whole


def test_losses_behind_their_checkpoint_are_refused(run: Path) -> None:
    with pytest.raises(ValueError, match="ends at step 5, the checkpoint is of step 8"):
        losses.truncate(run, 8)


def test_validation_rows_are_cut_back_too(run: Path) -> None:
    for step in (2, 4):
        losses.append_validation(run, [ValidationRow(step=step, task="words", loss=1.0, tokens=9)])
    losses.truncate(run, 3)
    assert [row.step for row in losses.read_validation(run)] == [2]
    losses.truncate(run, 0)
    assert list(losses.read_validation(run)) == []
    assert not (run / losses.VALIDATION).exists()


@pytest.mark.parametrize("line", ["", "{}", '{"step": 1', "[1]"])
def test_a_line_that_is_no_row_is_named(run: Path, line: str) -> None:
    rows = (run / losses.NAME).read_text().splitlines()
    (run / losses.NAME).write_text("\n".join([*rows[:2], line, *rows[3:]]) + "\n")
    with pytest.raises(ValueError, match=r"losses\.jsonl, line 3: not a row of losses"):
        losses.truncate(run, 5)
