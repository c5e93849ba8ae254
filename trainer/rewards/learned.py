"""The score of a reward model that an earlier stage (`objective: {use: reward}`) has learned from preferences."""

from collections.abc import Sequence

from pydantic import Field

from weft.trainer.replies import Reply
from weft.trainer.rewards import base
from weft.trainer.rewards.base import Scoring


class Reward(base.Reward):
    """`stage` is the training stage of the reward model."""

    stage: str = Field(min_length=1)

    def scores(self, replies: Sequence[Reply], scoring: Scoring) -> list[float]:
        return scoring.models[self.stage](replies)
