"""The watch sees a call back of whatever kind the function is, and leaves out generators that are resumed."""

from pathlib import Path
from types import ModuleType

import pytest

from tests.jobs.call_watch import CallWatch

BELOW = """
def call(function):
    return function()

def ask(record):
    return record.answer()

def take(items):
    return list(items)
"""
ABOVE = """
from functools import partial

class Stage:
    def answer(self):
        return 1

    def by_method(self):
        return below.ask(self)

    def by_bound_method(self):
        return below.call(self.answer)

    def by_partial(self):
        return below.call(partial(Stage.answer, self))

    def by_lambda(self):
        return below.call(lambda: 1)

    def by_closure(self):
        def answer():
            return 1
        return below.call(answer)

    def by_library(self):
        return below.call(partial(sorted, [2, 1]))

    def by_generator(self):
        return below.take(self.items())

    def by_returning(self):
        return below.call(int) + self.answer()

    def items(self):
        yield self.answer()
"""


ROOT = Path("/nowhere")


def module(name: str, text: str, **known: ModuleType) -> ModuleType:
    """A module of a file that is not there."""
    made = ModuleType(name)
    made.__dict__.update(known)
    exec(compile(text, str(ROOT / f"{name}.py"), "exec"), made.__dict__)
    return made


@pytest.mark.parametrize(
    ("way", "entered"),
    [
        ("by_method", "Stage.answer"),
        ("by_bound_method", "Stage.answer"),
        ("by_partial", "Stage.answer"),
        ("by_lambda", "Stage.by_lambda.<locals>.<lambda>"),
        ("by_closure", "Stage.by_closure.<locals>.answer"),
        ("by_library", ""),
        ("by_generator", ""),
        ("by_returning", ""),
    ],
)
def test_what_is_a_call_back(way: str, entered: str) -> None:
    watch, above = CallWatch(ROOT), module("above", ABOVE, below=module("below", BELOW))
    with watch.following("here"):
        getattr(above.Stage(), way)()
    assert watch.entered["here"] == {"above.py", "below.py"}
    assert watch.back == ({"here": {f"below.py calls {entered} of above.py"}} if entered else {})
