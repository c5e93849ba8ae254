"""The reward is what the reward model of the stage says."""

from dataclasses import replace

from tests.trainer.toys import SCORING, reply
from weft.trainer.rewards.learned import Reward


def test_the_model_of_the_stage_scores() -> None:
    models = {"reward": lambda replies: [float(len(one.ids)) for one in replies], "other": lambda replies: [9.0]}
    assert Reward(stage="reward").scores([reply([5, 6]), reply([5])], replace(SCORING, models=models)) == [2.0, 1.0]
