"""Without a terminal an evaluation writes a line only where it takes long, with its rate and the time left; and one at the end."""

import pytest

from weft.jobs import evaluation_progress
from weft.jobs.evaluation_progress import progress


def test_lines_with_rate_and_time_left(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    clock = [0.0]
    monkeypatch.setattr(evaluation_progress.time, "monotonic", lambda: clock[0])
    with progress("evaluation of sft", 4000) as report:
        for clock[0], tokens in ((1.0, 100), (20.0, 900), (21.0, 1000), (40.0, 2000)):
            report(tokens)
    assert capsys.readouterr().out.splitlines() == [
        "evaluation of sft: 1,000 of 4,000 tokens, 50/s, 0:01:00 left",
        "evaluation of sft: 4,000 tokens in 40.0 s, 100/s",
    ]
