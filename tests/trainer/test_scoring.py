"""Several rewards are one sum by their weights, and one that never changes is told."""

import numpy as np
import pytest

from tests.trainer.toys import SCORING, reply
from weft.jobs.faults import explain
from weft.trainer.rewards.label import Reward as Label
from weft.trainer.rewards.length import Reward as Length
from weft.trainer.scoring import Judge, RareRewards, Scores, named


def test_rewards_are_summed_by_their_weights() -> None:
    rewards = named([Label(), Length(of="text", least=2, most=2), Length(of="reply", most=1)], [2.0, 0.5, 1.0])
    scores = Judge(rewards=rewards, scoring=SCORING).scores([reply([5, 6], "w5 w6"), reply([7], "w7")])
    assert {name: values.tolist() for name, values in scores.parts.items()} == {
        "label": [1, 1], "length": [1, 0], "length-2": [0, 1],
    }  # fmt: skip
    assert scores.total.tolist() == [2.5, 3.0]


class Broken(Label):
    def scores(self, replies: object, scoring: object) -> list[float]:
        return [float("nan")]


def test_a_reward_that_is_no_number_is_an_error() -> None:
    with pytest.raises(FloatingPointError, match="the reward test_scoring is not finite"):
        Judge(rewards=named([Label(), Broken()], [1.0, 1.0]), scoring=SCORING).scores([reply([5])])


class Raises(Label):
    def scores(self, replies: object, scoring: object) -> list[float]:
        raise KeyError("answer")


def test_a_reward_that_raises_is_named_with_its_file() -> None:
    with pytest.raises(KeyError) as raised:
        Judge(rewards=named([Raises()], [1.0]), scoring=SCORING).scores([reply([5])])
    assert raised.value.__notes__ == [f"the reward test_scoring ({__file__})"]
    assert explain(raised.value)[0].startswith(f"failed: the reward test_scoring ({__file__}): KeyError: 'answer'")


class OneForAll(Label):
    def scores(self, replies: object, scoring: object) -> list[float]:
        return [1.0]


def test_a_reward_that_does_not_score_each_reply_is_named() -> None:
    with pytest.raises(ValueError, match="the reward test_scoring gives 1 score for 2 replies"):
        Judge(rewards=named([OneForAll()], [1.0]), scoring=SCORING).scores([reply([5]), reply([6])])


def test_a_constant_reward_is_told_once_and_after_many_steps() -> None:
    said: list[str] = []
    rare = RareRewards(warn=said.append, steps=3)

    def step(*values: float) -> None:
        rare.look(Scores(total=np.zeros(4), parts={"label": np.array(values)}), group=2)

    for _ in range(2):
        step(0, 0, 0, 0)
    step(0, 1, 0, 0)
    assert not said  # it changed before the third
    for _ in range(9):
        step(0, 0, 1, 1)
    assert len(said) == 1 and "label was the same for all replies to a prompt in 3 steps in a row" in said[0]
    step(0, 1, 0, 0)
    for _ in range(3):
        step(0, 0, 0, 0)
    assert len(said) == 2 and "label was always 0" in said[1]
    step(0, 1, 0, 0)
    for values in ((1, 1, 0, 0), (1, 1, 0, 0), (0, 0, 0, 0)):
        step(*values)
    assert len(said) == 3 and "label was the same for all replies to a prompt in 3 steps" in said[2]  # not "always 0"


@pytest.mark.parametrize(
    ("steps", "values", "sentence"),
    [
        (0, (0, 0), ""),
        (1, (0, 0), "the reward label was always 0 in 1 step, so nothing was learned from it"),
        (3, (0, 0), "the reward label was always 0 in 3 steps in a row, so nothing was learned from it"),
        (3, (0, 1), ""),
        (5, (0, 0), "the reward label was always 0 in 4 steps in a row, so nothing was learned from it"),
    ],
)
def test_a_stage_of_few_steps_is_judged_at_its_end(steps: int, values: tuple[float, ...], sentence: str) -> None:
    said: list[str] = []
    rare = RareRewards(warn=said.append, steps=4)
    for _ in range(steps):
        rare.look(Scores(total=np.zeros(2), parts={"label": np.array(values, float)}), group=2)
    rare.end()
    assert [one.partition(":")[0] for one in said] == ([sentence] if sentence else [])


def test_a_reward_that_differs_in_few_groups_is_told_with_the_share() -> None:
    said: list[str] = []
    rare = RareRewards(warn=said.append, steps=2)

    def step(differing: int) -> None:
        groups = [[0.0, 1.0]] * differing + [[0.0, 0.0]] * (20 - differing)
        rare.look(Scores(total=np.zeros(40), parts={"label": np.array(groups).flatten()}), group=2)

    for differing in (2, 2):  # a tenth
        step(differing)
    assert not said
    for _ in range(4):
        step(1)
    assert said == [
        "the reward label differed in 3 of 40 groups of replies (8%) in 2 steps in a row, so little was learned from it: "
        "make its task easier, or train longer before this stage"
    ]
    for differing in (9, 9, 0):
        step(differing)
    assert len(said) == 1
    step(0)
    assert len(said) == 2 and "was always 0 in 2 steps in a row, so nothing was learned" in said[1]
