"""Of two answers one is better: the sums are right and wrong, and no two are equal."""

from itertools import islice

from num2words import num2words

from weft.pipelines.voices.common.emotions import EMOTIONS
from weft.pipelines.writers.preferences import preferences

NUMBERS = {num2words(n): n for n in range(100)}


def test_an_item_depends_on_seed_and_place_alone() -> None:
    many = list(preferences(50, 3))
    assert list(preferences(20, 3)) == many[:20] and list(islice(preferences(1000, 3), 50)) == many
    assert list(preferences(50, 4)) != many and len({key for key, _ in many}) == 50


def is_right(answer: str) -> bool:
    a, _, b, _, c = answer.lower().rstrip(".").split()
    return NUMBERS[a] + NUMBERS[b] == NUMBERS[c]


def test_the_chosen_answer_is_the_better_one() -> None:
    made = [one for _, one in preferences(1000, 1)]
    assert all(one.chosen != one.rejected for one in made)
    assert {one.kind for one in made} == {"wrong", "beside the point", "cold"}
    for one in made:
        if one.kind == "wrong":
            assert is_right(one.chosen) and not is_right(one.rejected)
        assert not one.emotion or one.emotion in EMOTIONS
    answers: dict[str, set[str]] = {}
    for one in made:
        answers.setdefault(one.prompt, set()).add(one.chosen)
    assert all(len(chosen) == 1 for chosen in answers.values())


def test_a_thousand_have_hundreds_of_prompts() -> None:
    assert len({one.prompt for _, one in preferences(1000, 1)}) > 600
