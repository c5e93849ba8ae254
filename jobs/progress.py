"""Progress of a build: a bar a stage with rate and time left, or plain lines where nobody watches a terminal; and why is done again
what was done before.

align      ━━━━━━━━━━━━━━━━━━━━━━━  8/12 parts   412 made   31.0/s   0:00:07
align/speech: 3 of 12 parts again: its input segment/speech changed
"""

import time
from collections import Counter
from collections.abc import Sequence
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from weft.jobs.schedule import Event
from weft.pipelines.work import Work
from weft.schemas.changes import summed


class BuildProgress:
    """`expect` adds work, `report` counts it off; leaving it prints what was kept from before."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (
            TextColumn("{task.description:<12}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
        )
        self._bars = Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal)
        self._tasks: dict[str, TaskID] = {}
        self.expected: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self.kept: Counter[str] = Counter()
        self.made: Counter[str] = Counter()
        self._began: dict[str, float] = {}
        self.seconds: dict[str, float] = {}
        self._pieces: Counter[str] = Counter()  # by node, as expected
        self._ended: Counter[str] = Counter()
        self._again: dict[str, list[tuple[str, ...]]] = {}

    def __enter__(self) -> "BuildProgress":
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()
        for node in list(self._again):  # of a build that broke off
            self._tell(node)

    def expect(self, works: Sequence[Work]) -> None:
        for work in works:
            name = stage_of(work.node)
            self.expected[name] += 1
            if name not in self._tasks:
                self._tasks[name] = self._bars.add_task(name, total=0, note="")
            self._bars.update(self._tasks[name], total=self.expected[name])
            self._pieces[work.node] += 1

    def report(self, event: Event) -> None:
        name = stage_of(event.node)
        self._began.setdefault(name, time.monotonic() - event.seconds)
        (self.kept if event.what == "kept" else self.done)[name] += 1
        self.made[name] += event.made
        self.seconds[name] = self.seconds.get(name, 0.0) + event.seconds
        self._bars.update(self._tasks[name], advance=1, note=self._note(name))
        self._explain(event)
        if not self._console.is_terminal and self.kept[name] + self.done[name] == self.expected[name]:
            self._console.print(
                f"{name:<12} {self.expected[name]} of {self.expected[name]}  {self._note(name)}", highlight=False
            )

    def _explain(self, event: Event) -> None:
        """Why a node's work was done again: a line once all of it has ended."""
        if event.again:
            self._again.setdefault(event.node, []).append(event.why)
        self._ended[event.node] += 1
        if event.what == "kept":
            self._console.print(*event.why, sep="\n", end="\n" if event.why else "", highlight=False, markup=False)
        if self._ended[event.node] >= self._pieces[event.node] and event.node in self._again:
            self._tell(event.node)

    def _tell(self, node: str) -> None:
        line = summed(node, self._pieces[node], self._again.pop(node))
        self._console.print(line, highlight=False, markup=False)

    def _note(self, name: str) -> str:
        elapsed = max(1e-3, time.monotonic() - self._began[name])
        words = []
        if self.done[name]:
            words.append(
                f"{self.made[name]:,} made, {self.made[name] / elapsed:,.1f}/s, {self.seconds[name]:.1f} worker-s"
            )
        if self.kept[name]:
            words.append(f"{self.kept[name]} kept from before")
        return "; ".join(words)


def stage_of(node: str) -> str:
    """`align/speech` is of the stage `align`; models and shards go by their own names."""
    return node if node.startswith("models/") else node.split("/")[0]
