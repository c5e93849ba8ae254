"""1 minus the word error rate, never below 0."""

import pytest

from tests.trainer.toys import SCORING, reply
from weft.trainer.rewards.wer import Reward


@pytest.mark.parametrize(
    ("ids", "answer", "score"),
    [
        ([5, 6, 7, 8], "w5 w6 w7 w8", 1.0),
        ([5, 6, 9, 8], "w5, w6. w7 w8", 0.75),
        ([9, 9, 9, 9, 9], "w5 w6", 0.0),
        ([], "w5", 0.0),
        ([], "!", 1.0),
        ([5], "!", 0.0),
        ([0, 9, 1, 5, 6], "w5 w6", 1.0),
    ],
)
def test_the_error_rate_is_subtracted(ids: list[int], answer: str, score: float) -> None:
    assert Reward().scores([reply(ids, answer)], SCORING) == pytest.approx([score])
