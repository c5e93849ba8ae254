"""Warmup rises to the rate, the cosine ends where it was told to."""

from typing import Literal

import pytest

from weft.schemas.training import Optimiser
from weft.trainer.schedule import learning_rate


def test_constant_after_warmup() -> None:
    settings = Optimiser(lr=1.0, warmup=4, batch_tokens=1)
    assert [learning_rate(settings, step, 8) for step in range(1, 9)] == [0.25, 0.5, 0.75, 1, 1, 1, 1, 1]


def test_cosine_goes_from_lr_to_lr_end() -> None:
    settings = Optimiser(lr=1.0, lr_end=0.2, warmup=2, schedule="cosine", batch_tokens=1)
    rates = [learning_rate(settings, step, 10) for step in range(1, 12)]
    assert rates[0] == 0.5
    assert rates[1] == 1.0
    assert rates[5] == pytest.approx(0.6)
    assert rates[9] == rates[10] == pytest.approx(0.2)
    assert rates[1:] == sorted(rates[1:], reverse=True)


def test_linear_goes_from_lr_to_lr_end() -> None:
    settings = Optimiser(lr=1.0, lr_end=0.2, warmup=2, schedule="linear", batch_tokens=1)
    rates = [learning_rate(settings, step, 10) for step in range(1, 12)]
    assert rates == pytest.approx([0.5, 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.2])


@pytest.mark.parametrize("schedule", ["constant", "cosine", "linear"])
def test_without_a_warmup_the_first_step_has_the_full_rate(schedule: Literal["constant", "cosine", "linear"]) -> None:
    settings = Optimiser(lr=0.5, schedule=schedule, batch_tokens=1)
    assert learning_rate(settings, 1, 1) == learning_rate(settings, 1, 7) == 0.5
    assert learning_rate(settings, 7, 7) == (0.5 if schedule == "constant" else pytest.approx(0.0))


def test_a_warmup_may_be_longer_than_the_run() -> None:
    settings = Optimiser(lr=1.0, warmup=8, schedule="linear", batch_tokens=1)
    assert [learning_rate(settings, step, 4) for step in range(1, 5)] == [0.125, 0.25, 0.375, 0.5]


def test_a_rate_that_does_not_fall_is_refused() -> None:
    with pytest.raises(ValueError, match="`lr_end` must be below `lr`"):
        Optimiser(lr=1.0, lr_end=1.0, schedule="cosine", batch_tokens=1)
