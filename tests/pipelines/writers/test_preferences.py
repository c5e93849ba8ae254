"""Of two answers one is better: the sums are right and wrong, and no two are equal."""

from itertools import islice

from weft.pipelines.voices.common.emotions import EMOTIONS
from weft.pipelines.writers.preferences import preferences

NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11,
    "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18,
}  # fmt: skip


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
