"""What TensorBoard reads of a run."""

import re
from dataclasses import replace
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from weft.trainer.board import FOLDER, Board
from weft.trainer.losses import LossRow, ValidationRow


def row(step: int, task: str = "all", tokens: int = 10) -> LossRow:
    return LossRow(step=step, task=task, loss=8.0 / step, tokens=tokens, lr=0.5)


def curve(run: Path, name: str) -> list[tuple[int, float]]:
    board = EventAccumulator(str(run / FOLDER))
    board.Reload()
    return [(event.step, event.value) for event in board.Scalars(name)]


def test_every_task_has_its_curve(tmp_path: Path) -> None:
    with Board(tmp_path, 0) as board:
        board.add([row(1), row(1, "text"), row(1, "words", tokens=0)], [])
        board.add([row(2), row(2, "text")], [ValidationRow(step=2, task="text", loss=3.0, tokens=5)])
    assert curve(tmp_path, "loss/all") == curve(tmp_path, "loss/text") == [(1, 8.0), (2, 4.0)]
    assert curve(tmp_path, "validation/text") == [(2, 3.0)]
    assert curve(tmp_path, "learning_rate") == [(1, 0.5), (2, 0.5)]


def test_further_measures_have_curves_too(tmp_path: Path) -> None:
    with Board(tmp_path, 0) as board:
        board.add([replace(row(1), metrics={"reward": 0.25, "reward/label": 0.5})], [])
    assert curve(tmp_path, "reward/all") == [(1, 0.25)] and curve(tmp_path, "reward/label/all") == [(1, 0.5)]


def test_where_nothing_is_trained_no_file_is_left(tmp_path: Path) -> None:
    with Board(tmp_path, 3) as board:
        board.add([], [])
    assert not list(tmp_path.iterdir())


def test_a_run_that_goes_on_hides_what_came_after_its_checkpoint(tmp_path: Path) -> None:
    with Board(tmp_path, 0) as board:
        for step in (1, 2, 4):
            board.add([row(step)], [])
    # event files are read in the order of their names, which begin with a second; a run goes on in a later one
    (before,) = (tmp_path / FOLDER).iterdir()
    before.rename(before.with_name(re.sub(r"tfevents\.\d+", "tfevents.0000000001", before.name)))
    with Board(tmp_path, 2) as board:
        board.add([row(3)], [])
    assert [step for step, _ in curve(tmp_path, "loss/all")] == [1, 2, 3]
