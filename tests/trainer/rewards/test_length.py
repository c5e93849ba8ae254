"""A length between its bounds is worth 1, any other 0."""

import pytest
from pydantic import ValidationError

from tests.trainer.toys import SCORING, reply
from weft.trainer.rewards.length import Reward


@pytest.mark.parametrize(
    ("of", "ids", "length"),
    [
        ("thinking", [0, 5, 6, 7, 1, 8], 3),
        ("thinking", [0, 5, 6, 7], 0),
        ("thinking", [5, 6], 0),
        ("text", [5, 6, 25, 26, 23], 2),
        ("reply", [5, 6, 25, 26, 23], 5),
    ],
)
def test_what_is_counted(of: str, ids: list[int], length: int) -> None:
    for least, most, score in ((length, length, 1.0), (length + 1, 99, 0.0), (0, length, 1.0)):
        assert Reward(of=of, least=least, most=most).scores([reply(ids)], SCORING) == [score]
    if length:
        assert Reward(of=of, least=0, most=length - 1).scores([reply(ids)], SCORING) == [0.0]


def test_bounds_that_no_length_meets_are_refused() -> None:
    with pytest.raises(ValidationError, match="no reply could be right"):
        Reward(least=9, most=3)
