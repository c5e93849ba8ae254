"""A reply is right where its text is the answer, whatever the case, the punctuation and the thinking before it."""

import pytest

from tests.trainer.toys import SCORING, reply
from weft.trainer.rewards.common.spoken_text import normalised
from weft.trainer.rewards.label import Reward


@pytest.mark.parametrize(
    ("ids", "answer", "score"),
    [
        ([5, 6], "W5, w6!", 1.0),
        ([5], "w5 w6", 0.0),
        ([], "w5", 0.0),
        ([0, 9, 9, 1, 5], "w5", 1.0),  # <think> w9 w9 </think> w5
        ([0, 5], "w5", 0.0),  # the thinking was never closed
        ([5, 25, 26], "w5", 1.0),  # codes are no text
    ],
)
def test_the_text_is_compared(ids: list[int], answer: str, score: float) -> None:
    assert Reward().scores([reply(ids, answer)], SCORING) == [score]


def test_without_after_the_thinking_counts() -> None:
    assert Reward(after="").scores([reply([0, 1, 5], "w5")], SCORING) == [0.0]


def test_texts_are_normalised() -> None:
    assert normalised("  It's  A-Ｂ, ÄÖ!\n") == "its a b äö"
