"""GRPO starts where its own replies have something to teach: enough are right, not all, and most prompts have both kinds."""

import numpy as np
import pytest

from weft.benchmarks.learning.start import mixed, teaches


def scores(*right: int) -> np.ndarray:
    """Prompts with so many right of four replies."""
    return np.array([[1.0] * count + [0.0] * (4 - count) for count in right])


@pytest.mark.parametrize(
    ("right", "is_start"),
    [
        ((0, 0, 0, 0), False),
        ((0, 1, 0, 1), False),  # an eighth right
        ((1, 1, 1, 1), True),
        ((4, 4, 0, 1), False),  # half right, and a quarter of the prompts mixed
        ((4, 0, 1, 3), True),
        ((4, 4, 3, 3), False),
    ],
)
def test_enough_replies_are_right_and_enough_prompts_mixed(right: tuple[int, ...], is_start: bool) -> None:
    assert teaches(scores(*right)) == is_start


def test_mixed_prompts_have_both_kinds() -> None:
    assert mixed(scores(0, 4, 1, 3)) == 0.5
