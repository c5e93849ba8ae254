"""Several rewards are one sum by their weights, and one that never changes is told."""

import numpy as np
import pytest

from tests.trainer.toys import SCORING, reply
from weft.trainer.rewards.label import Reward as Label
from weft.trainer.rewards.length import Reward as Length
from weft.trainer.scoring import ConstantRewards, Judge, Scores, named


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


def test_a_constant_reward_is_told_once_and_after_many_steps() -> None:
    said: list[str] = []
    constant = ConstantRewards(warn=said.append, longest=3)

    def step(*values: float) -> None:
        constant.look(Scores(total=np.zeros(4), parts={"label": np.array(values)}), group=2)

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
