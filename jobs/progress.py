"""Progress of a build: for each stage a bar with rate and time left, or plain lines without a terminal; and why work is done again.

align          ━━━━━━━━━━━━━━━━━━━━━━━  8/12 parts   412 outputs, 31.0/s, 0:00:07 left
models/hubert  ━━━━━━━━━━━━━━━━━━━━━━━  0/1          training 120 of 350, 4.1/s, 0:00:56 left
align/speech: 3 of 12 parts again: its input segment/speech changed

Without a terminal each stage prints a line when it ends, and lines while it runs: after 10 s, later less often. A stage that gets
more work after its end, such as `compose` by further passes, prints one more line at the end of the build.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from weft.jobs.printing import plain
from weft.jobs.schedule import WorkEvent
from weft.jobs.show import clock_time
from weft.pipelines.models.progress import Pace
from weft.pipelines.parts.work import Work
from weft.schemas.changes import all_passes, summed

WATCHED, WRITTEN = 1.0, 10.0  # seconds between updates: of a terminal, and of plain lines
_TRAINING = ("models/", "aligner", "vocabulary")  # stages that report training steps
SELDOM = 50  # plain lines become rarer: one update after each fiftieth of the time so far


class BuildProgress:
    """`expect` adds work, `report` counts it as ended. Leaving the context prints what is still to be printed.

    `pace` returns the progress of a model in training; `clock` returns seconds.
    """

    def __init__(
        self, console: Console, pace: Callable[[str], Pace | None] = lambda node: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._console = console
        self._pace, self._clock = pace, clock
        columns = (
            TextColumn("{task.description:<12}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
        )
        self._bars = Progress(*columns, console=console, disable=not console.is_terminal)
        self._tasks: dict[str, TaskID] = {}
        self.expected: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self.kept: Counter[str] = Counter()
        self.outputs: Counter[str] = Counter()
        self._began: dict[str, float] = {}
        self.seconds: dict[str, float] = {}
        self._pieces: Counter[str] = Counter()  # by node, as expected
        self._ended: Counter[str] = Counter()
        self._again: dict[str, list[tuple[str, ...]]] = {}
        self._start = clock()
        self._written = self._start
        self._shown: dict[str, tuple[int, str]] = {}
        self._grown: dict[str, bool] = {}  # stages whose end was printed: whether they got more work after it
        self._left_over: dict[str, Pace | None] = {}  # progress that a killed worker of an earlier build left
        self._over = threading.Event()
        self._updates = threading.Thread(target=self._update_often, daemon=True)

    def __enter__(self) -> "BuildProgress":
        self._bars.start()
        self._updates.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._updates.join()
        self._bars.stop()
        for node in list(self._again):  # of further passes, or of a build that broke off
            self._print_reasons(node)
        for name in (name for name, has_grown in self._grown.items() if has_grown):
            self._print_end(name)

    def expect(self, works: Sequence[Work]) -> None:
        for work in works:
            name = stage_of(work.node)
            self.expected[name] += 1
            if name in self._grown:
                self._grown[name] = True
            if name not in self._tasks:
                self._tasks[name] = self._bars.add_task(name, total=0, note="")
            self._bars.update(self._tasks[name], total=self.expected[name])
            self._pieces[all_passes(work.node)] += 1
            if name.startswith(_TRAINING):
                self._left_over[name] = self._pace(name)

    def report(self, event: WorkEvent) -> None:
        name = stage_of(event.node)
        self._began.setdefault(name, self._clock() - event.seconds)
        (self.kept if event.what == "kept" else self.done)[name] += 1
        self.outputs[name] += event.records
        self.seconds[name] = self.seconds.get(name, 0.0) + event.seconds
        self._bars.update(self._tasks[name], advance=1, note=self._note(name))
        self._explain(event)
        if self._count(name) == self.expected[name] and name not in self._grown:
            self._grown[name] = False
            self._print_end(name)

    def _print_end(self, name: str) -> None:
        """Prints that a stage is done, unless a bar shows it."""
        if not self._console.is_terminal:
            self._console.print(
                f"{name:<12} {self._count(name)} of {self.expected[name]}  {self._note(name)}", highlight=False
            )

    def update(self) -> None:
        """Updates the notes of the bars or, when they are due, prints lines of stages that have advanced."""
        if self._console.is_terminal:
            for name, note in self._running():
                self._bars.update(self._tasks[name], note=note)
            return
        now = self._clock()
        if now - self._written < max(WRITTEN, (now - self._start) / SELDOM):
            return
        self._written = now
        for name, note in self._running():
            state = (self._count(name), note if name.startswith(_TRAINING) else "")
            if state != self._shown.get(name):
                self._shown[name] = state
                line = f"{name:<12} {self._count(name)} of {self.expected[name]}  {note}"
                self._console.print(plain(line), highlight=False, markup=False)

    def _update_often(self) -> None:
        while not self._over.wait(WATCHED):
            self.update()

    def _running(self) -> Iterator[tuple[str, str]]:
        """The unfinished stages and the models in training, each with its note."""
        for name in list(self.expected):
            count = self._count(name)
            pace = self._pace(name) if name.startswith(_TRAINING) and count < self.expected[name] else None
            if pace and pace != self._left_over.get(name):
                yield name, training_note(pace)
            elif 0 < count < self.expected[name] and self.done[name]:
                yield name, self._note(name)

    def _count(self, name: str) -> int:
        return self.kept[name] + self.done[name]

    def _explain(self, event: WorkEvent) -> None:
        """Prints why a node's work was done again, when all of it has ended; for further passes, when there are no more."""
        node = all_passes(event.node)
        if event.again:
            self._again.setdefault(node, []).append(event.why)
        self._ended[node] += 1
        if event.what == "kept" and event.why:
            self._console.print(*map(plain, event.why), sep="\n", highlight=False, markup=False)
        if node == event.node and self._ended[node] >= self._pieces[node] and node in self._again:
            self._print_reasons(node)
        if event.node.startswith("plan/"):
            for further in [other for other in self._again if "/pass-1+/" in other]:
                self._print_reasons(further)

    def _print_reasons(self, node: str) -> None:
        line = summed(node, self._pieces[node], self._again.pop(node))
        self._console.print(plain(line), highlight=False, markup=False)

    def _note(self, name: str) -> str:
        elapsed = max(1e-3, self._clock() - self._began[name])
        words = []
        if self.done[name]:
            words.append(
                f"{self.outputs[name]:,} outputs, {self.outputs[name] / elapsed:,.1f}/s, {self.seconds[name]:.1f} s over all workers"
            )
        if self.kept[name]:
            words.append(f"{self.kept[name]:,} reused")
        if left := self.expected[name] - self._count(name):
            words += [f"{clock_time(left * elapsed / self.done[name])} left"] if self.done[name] else []
        return "; ".join(words)


def training_note(pace: Pace) -> str:
    """`training 120 of 350, 4.1/s, 0:00:56 left`; unknown figures are left out."""
    words = [f"{pace.phase} {pace.done:,} of {pace.of:,}" if pace.of else pace.phase]
    words += [f"{pace.rate:,.1f}/s"] if pace.rate else []
    words += [f"{clock_time(pace.left)} left"] if pace.left is not None else []
    return ", ".join(words)


def stage_of(node: str) -> str:
    """The stage of a node: `align` of `align/speech`; a model is a stage of its own."""
    return node if node.startswith("models/") else node.split("/")[0]
