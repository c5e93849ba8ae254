"""A child that answers, one that fails, one that dies."""

import pickle
import sys

import numpy as np
import pytest

from weft.outside.process import Outside, OutsideFault, OutsideTimeout, installed
from weft.outside.serving import send
from weft.schemas.ledger import Unusable


def test_it_answers_again_and_again_and_after_a_failure(child: str) -> None:
    outside = Outside("", child, {})
    assert outside.ask({"do": "sum"}, np.ones(70_000)) == {"sum": 70_000.0, "n": 70_000}
    with pytest.raises(OutsideFault, match=r"ValueError: no such voice \(.*child\.py:\d+\)"):
        outside.ask({"do": "fail"}, np.ones(3))
    assert outside.ask({"do": "sum"}, np.zeros(0)) == {"sum": 0.0, "n": 0}


def test_a_model_that_is_not_there_is_reported(child: str) -> None:
    with pytest.raises(OutsideFault, match="FileNotFoundError: no such model"):
        Outside("", child, {"fail": True})
    with pytest.raises(OutsideFault, match="does not start"):
        Outside("/nowhere/python", child, {})


def test_a_death_says_the_last_words_and_is_not_the_end(child: str) -> None:
    outside = Outside("", child, {})
    for _ in range(2):
        with pytest.raises(OutsideFault, match="killed"):
            outside.ask({"do": "die"}, np.ones(1_000_000))
        assert outside.ask({"do": "sum"}, np.ones(2)) == {"sum": 2.0, "n": 2}


def test_what_is_installed_where() -> None:
    assert installed("", "numpy") == installed(sys.executable, "numpy") == np.__version__
    with pytest.raises(ValueError, match="not installed in the environment"):
        installed("", "no-such-package")
    with pytest.raises(ValueError, match="python"):
        installed("/nowhere/python", "numpy")


def test_a_fault_crosses_processes() -> None:
    back = pickle.loads(pickle.dumps(OutsideFault("out of memory")))  # noqa: S301
    assert str(back) == "out of memory"


@pytest.mark.parametrize("what", ["fail", "die"])
def test_what_a_child_does_not_call_unusable_is_no_reject(child: str, what: str) -> None:
    outside = Outside("", child, {})
    with pytest.raises(OutsideFault) as fault:
        outside.ask({"do": what}, np.ones(3))
    assert not isinstance(fault.value, Unusable | ValueError)
    with pytest.raises(Unusable) as refused:
        outside.ask({"do": "refuse"}, np.ones(3))
    assert (refused.value.reason, refused.value.detail) == ("too_short", "0.01 s")


def test_a_child_that_says_nothing_is_killed_and_the_next_question_has_a_new_one(child: str) -> None:
    outside = Outside("", child, {}, seconds=3)
    with pytest.raises(OutsideTimeout, match=r"did not answer in 3 s and was killed; set a higher `time_limit`"):
        outside.ask({"do": "hang"}, np.ones(1_000_000))
    assert outside.ask({"do": "sum"}, np.ones(2)) == {"sum": 2.0, "n": 2}


def test_a_child_that_does_not_come_up_in_time_is_killed(child: str) -> None:
    with pytest.raises(OutsideTimeout):
        Outside("", child, {"hang": True}, seconds=0.2)


def test_lengths_of_more_than_4_gib() -> None:
    class Pipe:
        lengths: list[int] = []

        def write(self, data: bytes) -> None:
            self.lengths.append(len(data))

        def flush(self) -> None: ...

    send(Pipe(), {}, memoryview(np.zeros(2**32 + 8, np.uint8)))  # type: ignore[arg-type]  # pages that are never touched
    assert Pipe.lengths == [16 + 2, 2**32 + 8]
