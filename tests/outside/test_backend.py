"""What backends in another environment share."""

import numpy as np
import pytest

from weft.outside.backend import Backend
from weft.outside.process import OutsideFault
from weft.schemas.resources import Resources


class Sums(Backend):
    package = "numpy"


@pytest.fixture
def sums(child: str, monkeypatch: pytest.MonkeyPatch) -> Sums:
    monkeypatch.setattr(Sums, "script", child, raising=False)
    return Sums(device="cuda:1")


def test_the_child_gets_its_settings_the_device_and_questions(sums: Sums) -> None:
    sums.start(beam=5)
    answer = sums.ask(np.ones(4, np.float32), do="sum")
    assert answer == {"sum": 4.0, "n": 4, "beam": 5, "device": "cuda:1"}
    with pytest.raises(OutsideFault, match="ValueError: no such voice"):
        sums.ask(np.ones(4, np.float32), do="fail")


def test_one_that_does_not_come_up_is_a_sentence(sums: Sums) -> None:
    with pytest.raises(ValueError, match="numpy does not start: FileNotFoundError: no such model"):
        sums.start(fail=True)


def test_it_is_named_by_its_version_and_holds_its_device(sums: Sums) -> None:
    assert sums.installed == f"numpy-{np.__version__}"
    assert (sums.resources, Sums().resources) == (Resources(gpus=1.0), Resources())


def test_a_python_without_the_package_is_reported_at_once() -> None:
    with pytest.raises(ValueError, match="numpy is not installed in the environment of /nowhere/python"):
        Sums(python="/nowhere/python")
