"""How far something is that learns: whatever trains reports its steps, and whoever watches gets them.

    with steps_to(watch):                         report_step("training", 120, of=350)   ->   watch(Step("training", 120, 350))
        tokenizer.train(speech, folder, seed)

Where nobody watches a report costs nothing. What is learnt does not depend on it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """`done` steps `of` so many of one phase, such as "training" or "clips"; 0 of 0 where the phase has no steps to count."""

    phase: str
    done: int = 0
    of: int = 0


_watch: ContextVar[Callable[[Step], None] | None] = ContextVar("watch", default=None)


def report_step(phase: str, done: int = 0, of: int = 0) -> None:
    """Tells whoever watches this thread."""
    if watch := _watch.get():
        watch(Step(phase, done, of))


@contextmanager
def steps_to(watch: Callable[[Step], None]) -> Iterator[None]:
    """Sends the steps that are reported within to `watch`."""
    token = _watch.set(watch)
    try:
        yield
    finally:
        _watch.reset(token)
