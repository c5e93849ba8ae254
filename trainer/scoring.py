"""The rewards of replies: each reward by itself, and their weighted sum.

scores = Judge(rewards=rewards, scoring=scoring, weights={"label": 1.0, "length": 0.5}).scores(replies)
scores.total      array([1.5, 0.5, …])          scores.parts      {"label": array([1, 0, …]), "length": array([1, 1, …])}
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from weft.trainer.replies import Reply
from weft.trainer.rewards.base import Reward, Scoring

LONGEST_CONSTANT = 10  # steps


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Of B replies: their weighted sums, (B,) float64, and the scores of each reward by its name."""

    total: np.ndarray
    parts: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class WeightedReward:
    """A reward, the name that its figures have, and what its score counts in the sum."""

    name: str
    reward: Reward
    weight: float = 1.0


@dataclass(frozen=True)
class Judge:
    """Scores replies by several rewards."""

    rewards: tuple[WeightedReward, ...]
    scoring: Scoring

    def scores(self, replies: Sequence[Reply]) -> Scores:
        """Raises FloatingPointError for a score that is not finite."""
        parts = {one.name: np.array(one.reward.scores(replies, self.scoring), np.float64) for one in self.rewards}
        if bad := [name for name, values in parts.items() if not np.isfinite(values).all()]:
            raise FloatingPointError(f"the reward {bad[0]} is not finite")
        total = sum((one.weight * parts[one.name] for one in self.rewards), np.zeros(len(replies)))
        return Scores(total=total, parts=parts)


def named(rewards: Sequence[Reward], weights: Sequence[float]) -> tuple[WeightedReward, ...]:
    """The rewards by their names; a second one of a name is NAME-2."""
    uses: Counter[str] = Counter()
    weighted = []
    for reward, weight in zip(rewards, weights, strict=True):
        uses[reward.called] += 1
        number = uses[reward.called]
        name = reward.called if number == 1 else f"{reward.called}-{number}"
        weighted.append(WeightedReward(name=name, reward=reward, weight=weight))
    return tuple(weighted)


@dataclass
class ConstantRewards:
    """Warns of a reward that was the same for all replies that are compared, in `longest` steps in a row: it teaches nothing."""

    warn: Callable[[str], None]
    longest: int = LONGEST_CONSTANT
    _steps: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def look(self, scores: Scores, group: int) -> None:
        """`group` replies in a row are compared with each other."""
        for name, values in scores.parts.items():
            constant = not np.ptp(values.reshape(-1, group), axis=1).any()
            self._steps[name] = self._steps[name] + 1 if constant else 0
            if self._steps[name] == self.longest:
                values_seen = f"always {values[0]:g}" if not np.ptp(values) else "the same for all replies to a prompt"
                self.warn(
                    f"the reward {name} was {values_seen} in {self.longest} steps in a row, so nothing was learned from it: "
                    "make its task easier, or train longer before this stage"
                )
