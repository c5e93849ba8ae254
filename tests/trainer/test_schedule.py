"""Warmup rises to the rate, the cosine ends where it was told to."""

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
