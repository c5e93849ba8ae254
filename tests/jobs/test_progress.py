"""What a build prints: a line a node that was done again, with why."""

import io

from rich.console import Console

from weft.jobs.progress import BuildProgress
from weft.jobs.schedule import WorkEvent
from weft.pipelines.align import Align
from weft.pipelines.aligners.given import Aligner
from weft.pipelines.models.progress import Pace
from weft.pipelines.parts.stage_work import PartWork


def printed(events: list[WorkEvent], parts: int) -> list[str]:
    page = io.StringIO()
    with BuildProgress(Console(file=page, width=200)) as progress:
        progress.expect(
            [
                PartWork(node="align/speech", stage=Align(aligner=Aligner()), part=part, inputs=())
                for part in range(parts)
            ]
        )
        for event in events:
            progress.report(event)
    return [line for line in page.getvalue().splitlines() if line.startswith("align/")]


def again(*why: str) -> WorkEvent:
    return WorkEvent("align/speech", "done", again=True, why=why)


def test_a_node_says_once_why_its_parts_are_done_again() -> None:
    events = [
        again("its input segment/speech changed"),
        WorkEvent("align/speech", "kept"),
        again("its input segment/speech changed"),
    ]
    assert printed(events, 3) == ["align/speech: 2 of 3 parts again: its input segment/speech changed"]


def test_what_is_new_or_kept_says_nothing() -> None:
    assert printed([WorkEvent("align/speech", "done"), WorkEvent("align/speech", "kept")], 2) == []


def test_a_build_that_breaks_off_says_what_it_had() -> None:
    assert printed([again("setting `[floor]` was 2, is now 3")], 3) == [
        "align/speech: 1 of 3 parts again: setting `[floor]` was 2, is now 3"
    ]


def test_a_frozen_model_says_so() -> None:
    assert printed([WorkEvent("align/speech", "kept", why=("align/x: frozen",))], 1) == ["align/x: frozen"]


class Clock:
    """Seconds that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Hubert:
    """Work that makes a model."""

    node = "models/hubert"


def test_a_model_that_learns_says_its_step_rate_and_time_left_in_a_pipe() -> None:
    page, clock = io.StringIO(), Clock()
    left_over = Pace(phase="training", done=100, of=350, steps=60, seconds=15.0)
    paces = {"models/hubert": left_over}  # by a worker of an earlier build that was killed
    progress = BuildProgress(Console(file=page, width=200), paces.get, clock)
    progress.expect([Hubert()])  # type: ignore[list-item]
    clock.now = 11.0
    progress.update()
    paces["models/hubert"] = Pace(phase="training", done=120, of=350, steps=80, seconds=20.0)
    for clock.now in (15.0, 19.0, 22.0, 23.0, 29.0):
        progress.update()
    assert page.getvalue().splitlines() == ["models/hubert 0 of 1  training 120 of 350, 4.0/s, 0:00:58 left"]


def test_a_stage_in_a_pipe_says_now_and_then_how_it_goes() -> None:
    page, clock = io.StringIO(), Clock()
    progress = BuildProgress(Console(file=page, width=200), clock=clock)
    progress.expect(
        [PartWork(node="align/speech", stage=Align(aligner=Aligner()), part=part, inputs=()) for part in range(4)]
    )
    clock.now = 5.0
    progress.report(WorkEvent("align/speech", "done", records=10, seconds=5.0))
    progress.update()
    for clock.now in (10.0, 30.0):  # nothing has moved on in between
        progress.update()
    assert page.getvalue().splitlines() == [
        "align        1 of 4  10 outputs, 1.0/s, 5.0 s over all workers; 0:00:30 left"
    ]


def test_lines_in_a_pipe_become_fewer_the_longer_it_takes() -> None:
    page, clock = io.StringIO(), Clock()
    steps = iter(range(10_000))
    progress = BuildProgress(
        Console(file=page, width=200),
        lambda node: Pace(phase="training", done=next(steps), of=10_000, steps=1, seconds=1.0),
        clock,
    )
    progress.expect([Hubert()])  # type: ignore[list-item]
    for second in range(36_000):
        clock.now = float(second)
        progress.update()
    assert 100 < len(page.getvalue().splitlines()) < 300


def passes(count: int, per_pass: int = 2, why: tuple[str, ...] = ()) -> list[str]:
    """What a build prints into a pipe that composes so many passes and then plans."""
    page = io.StringIO()
    with BuildProgress(Console(file=page, width=200), clock=Clock()) as progress:
        for number in range(count):
            node = f"compose/words/pass-{number}/speech"
            progress.expect(
                [PartWork(node=node, stage=Align(aligner=Aligner()), part=part, inputs=()) for part in range(per_pass)]
            )
            for _ in range(per_pass):
                progress.report(WorkEvent(node, "done", records=1, again=bool(why), why=why))
        progress.expect([Plan()])  # type: ignore[list-item]
        progress.report(WorkEvent("plan/pretrain", "done", records=1))
    return page.getvalue().splitlines()


class Plan:
    """Work that plans a stage."""

    node = "plan/pretrain"


def test_further_passes_are_one_line_more_however_many_they_are() -> None:
    ends = [line.split(None, 4)[:4] for line in passes(9)]
    assert ends == [["compose", "2", "of", "2"], ["plan", "1", "of", "1"], ["compose", "18", "of", "18"]]
    assert len(passes(1)) == 2


def test_why_further_passes_are_made_again_is_one_line() -> None:
    lines = [line for line in passes(9, 2, ("its model vocabulary changed",)) if line.startswith("compose/")]
    assert lines == [
        "compose/words/pass-0/speech: 2 of 2 parts again: its model vocabulary changed",
        "compose/words/pass-1+/speech: 16 of 16 parts again: its model vocabulary changed",
    ]
