"""The progress of a model in training, in a small file that the build reads: the model may be trained in another process.

unfinished/models/hubert/progress.json    {"phase": "training", "done": 120, "of": 350, "steps": 118, "seconds": 29.5}

It exists while the model is trained, is written every few seconds, and is not part of the model.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass

from weft.pipelines.storage.store import Store
from weft.schemas.learning import Step, steps_to

EVERY, EVERY_REMOTE = 2.0, 10.0  # seconds between two writes, at least; a new phase is written at once


@dataclass(frozen=True, slots=True)
class Pace:
    """Step `done` of `of` in a phase, and the `steps` of this run in `seconds`: fewer than `done` after an interruption."""

    phase: str
    done: int
    of: int
    steps: int
    seconds: float

    @property
    def rate(self) -> float:
        """Steps per second; 0 where it is not known yet."""
        return self.steps / self.seconds if self.seconds > 0 else 0.0

    @property
    def left(self) -> float | None:
        """Seconds to the end of the phase; None where it is not known."""
        return (self.of - self.done) / self.rate if self.of and self.rate else None


@contextmanager
def steps_in_file(store: Store, node: str, clock: Callable[[], float] = time.monotonic) -> Iterator[None]:
    """Writes what is reported inside to the progress file of the model `node`, and removes the file at the end."""
    first, began, written = Step(""), 0.0, 0.0

    def write(step: Step) -> None:
        nonlocal first, began, written
        now = clock()
        if step.phase != first.phase or step.done < first.done:
            first, began, written = step, now, float("-inf")
        if now - written >= (EVERY if store.local else EVERY_REMOTE) or (step.of and step.done == step.of):
            pace = Pace(phase=step.phase, done=step.done, of=step.of, steps=step.done - first.done, seconds=now - began)
            written = now
            with suppress(OSError):  # progress is lost, but the training goes on
                store.write(_name(node), json.dumps(asdict(pace)).encode())

    try:
        with steps_to(write):
            yield
    finally:
        with suppress(OSError):
            store.remove(_name(node))


def pace_of(store: Store, node: str) -> Pace | None:
    """The progress of the model `node`; None without a progress file."""
    try:
        return Pace(**json.loads(store.read(_name(node))))
    except (OSError, ValueError, TypeError):
        return None


def _name(node: str) -> str:
    return f"unfinished/{node}/progress.json"
