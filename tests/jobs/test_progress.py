"""What a build prints: a line a node that was done again, with why."""

import io

from rich.console import Console

from weft.jobs.progress import BuildProgress
from weft.jobs.schedule import Event
from weft.pipelines.align import Align
from weft.pipelines.aligners.given import Aligner
from weft.pipelines.partwork import PartWork


def printed(events: list[Event], parts: int) -> list[str]:
    page = io.StringIO()
    with BuildProgress(Console(file=page, width=200)) as progress:
        progress.expect([PartWork("align/speech", Align(aligner=Aligner()), part, ()) for part in range(parts)])
        for event in events:
            progress.report(event)
    return [line for line in page.getvalue().splitlines() if line.startswith("align/")]


def again(*why: str) -> Event:
    return Event("align/speech", "done", again=True, why=why)


def test_a_node_says_once_why_its_parts_are_done_again() -> None:
    events = [
        again("its input segment/speech changed"),
        Event("align/speech", "kept"),
        again("its input segment/speech changed"),
    ]
    assert printed(events, 3) == ["align/speech: 2 of 3 parts again: its input segment/speech changed"]


def test_what_is_new_or_kept_says_nothing() -> None:
    assert printed([Event("align/speech", "done"), Event("align/speech", "kept")], 2) == []


def test_a_build_that_breaks_off_says_what_it_had() -> None:
    assert printed([again("setting `[floor]` was 2, is now 3")], 3) == [
        "align/speech: 1 of 3 parts again: setting `[floor]` was 2, is now 3"
    ]


def test_a_frozen_model_says_so() -> None:
    assert printed([Event("align/speech", "kept", why=("align/x: frozen",))], 1) == ["align/x: frozen"]
