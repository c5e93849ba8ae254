"""1 where the reply's thinking, or all of its text, has from `least` to `most` tokens; else 0 (Step-Audio 2's first RL stage)."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field, model_validator

from weft.trainer.replies import Reply
from weft.trainer.rewards import base
from weft.trainer.rewards.base import Scoring


class Reward(base.Reward):
    """`of` says what is counted: the `thinking`, between the literals `open` and `close` (0 tokens without them), the `text`, or all
    tokens of the `reply`.
    """

    of: Literal["thinking", "text", "reply"] = "thinking"
    least: int = Field(default=1, ge=0)
    most: int = Field(ge=0)
    open: str = Field(default="<think>", min_length=1)
    close: str = Field(default="</think>", min_length=1)

    @model_validator(mode="after")
    def _some_length_fits(self) -> "Reward":
        if self.least > self.most:
            raise ValueError(f"`least` ({self.least}) is above `most` ({self.most}): no reply could be right")
        return self

    def scores(self, replies: Sequence[Reply], scoring: Scoring) -> list[float]:
        return [float(self.least <= self._length(reply, scoring) <= self.most) for reply in replies]

    def _length(self, reply: Reply, scoring: Scoring) -> int:
        if self.of == "reply":
            return len(reply.ids)
        if self.of == "text":
            return int(scoring.reader.is_text_V[reply.ids].sum())
        _, opened, rest = reply.text.partition(self.open)
        thinking, closed, _ = rest.partition(self.close)
        return len(scoring.reader.encode(thinking)) if opened and closed else 0
