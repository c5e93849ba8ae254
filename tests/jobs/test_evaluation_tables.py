"""The table of evaluations: a row a stage, losses with bits a second where there are seconds, and what each stage cost the text."""

from rich.console import Console

from weft.jobs.evaluation_tables import show_evaluation
from weft.trainer.evaluation.measuring import ConditionLoss
from weft.trainer.evaluation.preferences import Preferred
from weft.trainer.evaluation.record import EvaluationRow

SPEECH = ConditionLoss(nats=30.0, tokens=10, timed_nats=3.0, seconds=1.5)


def text(nats: float) -> ConditionLoss:
    return ConditionLoss(nats=nats, tokens=1234, timed_nats=0.0, seconds=0.0)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("│")[1:-1]]


def test_a_row_a_stage_and_a_column_for_what_any_has() -> None:
    start = EvaluationRow(
        name="start of a",
        made_from="",
        figures={"text": text(1234 * 5), "speech given text": SPEECH},
        preferred=Preferred(right=15, pairs=32),
    )
    a = EvaluationRow(
        name="a", made_from="", started_from={"start of a": 1.0}, figures={"text": text(1234 * 5.5)},
        preferred=Preferred(right=16, pairs=32),
    )  # fmt: skip
    dpo = EvaluationRow(
        name="dpo", made_from="", started_from={"a": 1.0}, figures={"text": text(1234 * 5.25)},
        preferred=Preferred(right=28, pairs=32), metrics={"accuracy": 0.75, "margin": 2.0}, metric_samples=12,
    )  # fmt: skip
    grpo = EvaluationRow(
        name="grpo", made_from="", started_from={"a": 1.0}, metrics={"reward": 0.5}, metric_samples=24,
        metrics_before={"reward": 0.125},
    )  # fmt: skip
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    show_evaluation(console, {row.name: row for row in (start, a, dpo, grpo)})
    lines = console.export_text().splitlines()
    heads = [head.strip() for head in lines[2].split("┃")[1:-1]]
    assert heads == [
        "stage",
        "text",
        "speech given text",
        "chosen is likelier",
        "accuracy of preferences",
        "mean reward",
        "cost to text",
    ]
    assert [cells(line) for line in lines if "│" in line] == [
        ["start of a", "5.000", "3.000 / 2.9", "0.469 of 32", "", "", ""],
        ["a", "5.500", "", "0.500 of 32", "", "", "+0.500"],
        ["dpo", "5.250", "", "0.875 of 32", "0.750 of 12", "", "-0.250"],
        ["grpo", "", "", "", "", "0.125 → 0.500 of 24", ""],
    ]
    assert "tokens: 1,234 text, 10 speech given text;" in lines[-1]


def test_what_rounds_to_nothing_has_no_sign() -> None:
    rows = {
        "a": EvaluationRow(name="a", made_from="", figures={"text": text(1234 * 5)}),
        "b": EvaluationRow(
            name="b", made_from="", started_from={"a": 1.0}, figures={"text": text(1234 * 4.9999)},
            metrics={"reward": -0.0001}, metric_samples=5, metrics_before={"reward": -0.0},
        ),
    }  # fmt: skip
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    show_evaluation(console, rows)
    assert cells(console.export_text().splitlines()[-3]) == ["b", "5.000", "0.000 → 0.000 of 5", "+0.000"]
