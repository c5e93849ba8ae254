"""1 minus the word error rate of the reply's text against the record's answer, but at least 0."""

from collections.abc import Sequence
from typing import ClassVar

from weft.trainer.replies import Reply
from weft.trainer.rewards import base
from weft.trainer.rewards.base import Scoring
from weft.trainer.rewards.common.spoken_text import answer_of, normalised


class Reward(base.Reward):
    """Only what stands behind the last `after` is compared, where the reply has it."""

    needs_answer: ClassVar[bool] = True

    after: str = "</think>"

    def scores(self, replies: Sequence[Reply], scoring: Scoring) -> list[float]:
        return [_score(normalised(reply.prompt.answer), answer_of(reply.text, self.after)) for reply in replies]


def _score(answer: str, text: str) -> float:
    import jiwer  # `weft validate` makes rewards, and scores nothing

    if not answer:  # no words: a word error rate has no meaning
        return float(not text)
    return max(0.0, 1.0 - float(jiwer.wer(answer, text)))
