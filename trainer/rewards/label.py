"""1 where the reply's text is the record's answer, but for case and punctuation; else 0."""

from collections.abc import Sequence
from typing import ClassVar

from weft.trainer.replies import Reply
from weft.trainer.rewards import base
from weft.trainer.rewards.base import Scoring
from weft.trainer.rewards.common.spoken_text import answer_of, normalised


class Reward(base.Reward):
    """Only what stands behind the last `after` is compared, where the reply has it: thinking is no answer."""

    needs_answer: ClassVar[bool] = True

    after: str = "</think>"

    def scores(self, replies: Sequence[Reply], scoring: Scoring) -> list[float]:
        return [float(answer_of(reply.text, self.after) == normalised(reply.prompt.answer)) for reply in replies]
