"""What `weft train` says: losses by task, validation, and where and why a stream ended."""

from collections.abc import Callable
from pathlib import Path

import pytest

from weft.jobs.training import ending, has_held_out
from weft.jobs.training_progress import StepLines, losses_line, validation_line
from weft.pipelines.parts.tables import write_part
from weft.pipelines.storage.store import Store
from weft.schemas.ledger import Reject
from weft.trainer.losses import LossRow, ValidationRow
from weft.trainer.train import Result, StepReport


@pytest.mark.parametrize(
    ("step", "declared", "at_end", "reason", "sentence"),
    [
        (80, 80, False, "", ""),
        (80, 80, True, "", ""),
        (62, 0, True, "", ""),
        (62, 80, True, "", " of 80 declared; the stream ended there, after 1,234 draws"),
        (
            62, 80, True, "words has no new sample left",
            " of 80 declared; the stream ended there, after 1,234 draws: words has no new sample left",
        ),
        (62, 0, True, "words ran out", "; the stream ended there, after 1,234 draws: words ran out"),
        (50, 50, False, "words ran out", ""),
    ],
)  # fmt: skip
def test_the_end_of_the_stream_is_reported_with_its_reason(
    step: int, declared: int, at_end: bool, reason: str, sentence: str
) -> None:
    result = Result(step=step, declared=declared, draws=1234, at_end=at_end, checkpoint=Path("run"))
    assert ending(result, reason) == sentence


def test_a_task_in_which_nothing_counted_has_no_loss() -> None:
    rows = [
        LossRow(step=3, task="all", loss=2.5, tokens=10, lr=1e-3),
        LossRow(step=3, task="text", loss=2.5, tokens=10, lr=1e-3),
        LossRow(step=3, task="words", loss=0.0, tokens=0, lr=1e-3),
    ]
    assert losses_line(rows) == "all 2.500  text 2.500  words no counted tokens"


def test_a_loss_or_reward_that_rounds_to_nothing_has_no_sign() -> None:
    row = LossRow(step=3, task="ask", loss=-0.0, tokens=10, lr=1e-3, metrics={"reward": -0.0001})
    assert losses_line([row]) == "ask 0.000  reward 0.000"


def test_tasks_without_held_out_samples_are_named() -> None:
    rows = [ValidationRow(step=20, task="text", loss=3.0, tokens=9)]
    assert validation_line(rows, ["text"]) == "validation: text 3.000"
    assert validation_line(rows, ["words", "text", "speech"]) == (
        "validation: text 3.000  (no held-out samples of speech, words)"
    )


@pytest.mark.parametrize("rows", [None, 0, 1])
def test_a_corpus_without_held_out_samples_is_reported_in_one_line(
    rows: int | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A build writes the index of held-out samples also where there are none."""
    store = Store(str(tmp_path))
    if rows is not None:
        row = Reject(key="a", stage="ingest", source="mine", path="a.wav", reason="silent", detail="", seconds=1.0)
        write_part(store, "shards/validation/index.parquet", [row] * rows, Reject, "made by hand")
    assert has_held_out(store) == bool(rows)
    line = "no validation data in this corpus; `hold_out:` at a source keeps some\n"
    assert capsys.readouterr().out == ("" if rows else line)


def step(number: int, seconds: float) -> StepReport:
    return StepReport(step=number, steps=1000, rows=(), seconds=seconds)


def test_without_a_terminal_the_first_and_last_step_are_lines_and_one_in_ten_seconds() -> None:
    lines = StepLines()
    assert [n for n in range(1, 1001) if lines.is_due(step(n, 0.125))] == [*range(1, 1000, 80), 1000]


def test_a_line_says_how_fast_it_goes_and_what_is_left() -> None:
    lines = StepLines()
    for n in range(1, 5):
        lines.is_due(step(n, 0.5))
    assert lines.pace(step(4, 0.5)) == "2.00/s, 0:08:18 left"


def test_a_model_that_cannot_be_made_is_refused_before_a_corpus_is_built(
    weft: Callable[..., tuple[int, str, str]], small_corpus: Path, text_corpus: str, tmp_path: Path
) -> None:
    change = "training.pretrain.model.config={model_type: lama}"
    for command in (("build", "--out", tmp_path / "c"), ("train", "--out", tmp_path / "c", "--corpus", text_corpus)):
        code, _, output = weft(command[0], small_corpus / "recipe.yaml", change, *command[1:])
        assert code == 2 and "training.pretrain.model: transformers has no model_type 'lama'" in output
        assert not list((tmp_path / "c").glob("*"))
