"""The file of evaluations, and what a stage cost the text."""

import json
from pathlib import Path

import pytest

from weft.trainer.evaluation.measuring import ConditionLoss
from weft.trainer.evaluation.preferences import Preferred
from weft.trainer.evaluation.record import NAME, EvaluationRow, read, write


def row(name: str, text: float | None, **started_from: float) -> EvaluationRow:
    figures = {} if text is None else {"text": ConditionLoss(nats=10 * text, tokens=10, timed_nats=0.0, seconds=0.0)}
    speech = ConditionLoss(nats=30.0, tokens=10, timed_nats=3.0, seconds=1.5)
    return EvaluationRow(
        name=name,
        made_from="abc",
        started_from=started_from,
        figures={**figures, "speech": speech},
        preferred=None if text is None else Preferred(right=3, pairs=4),
    )


def test_what_is_written_is_read(tmp_path: Path) -> None:
    rows = [row("start of a", 5.0), row("a", 4.0, **{"start of a": 1.0}), row("judge", None, a=1.0)]
    write(tmp_path, rows)
    assert list(read(tmp_path).values()) == rows
    first, second, _ = map(json.loads, (tmp_path / NAME).read_text().splitlines())
    assert first["text_cost"] is None and second["text_cost"] == -1.0
    assert second["figures"]["speech"]["bits_per_second"] == pytest.approx(3.0 / 0.6931471805599453 / 1.5)
    assert read(tmp_path / "elsewhere") == {}


def test_a_merge_is_compared_with_the_mean_of_its_parts() -> None:
    rows = {one.name: one for one in (row("a", 4.0), row("b", 6.0), row("final", 5.0, a=3.0, b=1.0))}
    assert rows["final"].text_cost(rows) == pytest.approx(5.0 - 4.5)


def test_no_cost_where_something_is_not_known() -> None:
    rows = {
        one.name: one for one in (row("a", None), row("b", 4.0, a=1.0), row("c", 4.0, gone=1.0), row("d", None, b=1.0))
    }
    assert [one.text_cost(rows) for one in rows.values()] == [None] * 4


@pytest.mark.parametrize("line", ["{", "[]", '{"name": "a"}'])
def test_a_damaged_file_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / NAME).write_text(line + "\n")
    with pytest.raises(ValueError, match=r"evaluation\.jsonl is damaged or of another version of weft; remove it"):
        read(tmp_path)
