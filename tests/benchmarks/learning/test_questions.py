"""Questions of the learning benchmarks: none twice, so that what is held out was never trained on."""

from collections.abc import Callable
from itertools import islice
from random import Random

import pytest

from weft.benchmarks.learning.questions import Question, comparison, distinct, mood


@pytest.mark.parametrize("kind", [comparison, mood])
def test_no_prompt_comes_twice(kind: Callable[[Random], Question]) -> None:
    prompts = [question.prompt for question in islice(distinct(kind), 3000)]
    assert len(set(prompts)) == 3000
    assert prompts == [question.prompt for question in islice(distinct(kind), 3000)]


def test_the_right_answer_names_the_cheaper_thing() -> None:
    prices = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
              "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty")  # fmt: skip
    places: set[bool] = set()
    for question in islice(distinct(comparison), 200):
        words = question.prompt.replace(",", "").rstrip("?").split()
        (one, first), (other, second) = (words[4], words[6]), (words[9], words[11])
        is_first = prices.index(first) < prices.index(second)
        assert (question.chosen, question.rejected) == tuple(
            f"The {thing} is cheaper." for thing in ((one, other) if is_first else (other, one))
        )
        places.add(is_first)
    assert places == {True, False}
