"""A reward scores replies to prompts. The module's name is its key in a recipe.

objective: {use: grpo, rewards: [label, {use: length, least: 20, most: 200, weight: 0.5}], …}
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from weft.schemas.settings import Versioned
from weft.schemas.vocabulary import Vocabulary
from weft.trainer.replies import Reply, ReplyReader

RewardModels = Mapping[str, Callable[[Sequence[Reply]], list[float]]]


@dataclass(frozen=True)
class Scoring:
    """What a reward may need besides the replies: the vocabulary, the reader of texts, and the reward models by their stage."""

    vocabulary: Vocabulary
    reader: ReplyReader
    models: RewardModels = field(default_factory=dict)


class Reward(Versioned, ABC):
    """One reward. A backend that `needs_answer` is for prompts that have one."""

    needs_answer: ClassVar[bool] = False

    @property
    def markers(self) -> frozenset[str]:
        """The vocabulary's markers that it looks for, by name."""
        return frozenset()

    @property
    def streams(self) -> tuple[str, ...]:
        """The streams whose codes it looks for, by name."""
        return ()

    @abstractmethod
    def scores(self, replies: Sequence[Reply], scoring: Scoring) -> list[float]:
        """A score for each reply; the higher the better."""
