"""What an evaluation shows while it runs: a bar on a terminal, plain lines in a pipe where it takes long; its time at the end."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from weft.jobs.commands import console
from weft.jobs.progress import SELDOM, WRITTEN
from weft.jobs.show import clock_time


@contextmanager
def progress(name: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yields what is called with the tokens of each batch that is done; `total` is their sum."""
    began = shown = time.monotonic()
    done = 0
    columns = (TextColumn(name), BarColumn(), TextColumn("{task.fields[note]}"), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(name, total=total, note="")

        def report(tokens: int) -> None:
            nonlocal done, shown
            done, now = done + tokens, time.monotonic()
            rate = done / max(now - began, 1e-3)
            note = f"{done:,} of {total:,} tokens, {rate:,.0f}/s"
            bar.update(task, completed=done, note=note)
            if not console.is_terminal and now - shown > max(WRITTEN, (now - began) / SELDOM) and done < total:
                shown = now
                console.print(f"{name}: {note}, {clock_time((total - done) / rate)} left", highlight=False)

        yield report
    seconds = time.monotonic() - began
    console.print(f"{name}: {done:,} tokens in {seconds:.1f} s, {done / max(seconds, 1e-3):,.0f}/s", highlight=False)
