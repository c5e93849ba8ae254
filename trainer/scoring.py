"""The rewards of replies: each reward by itself, and their weighted sum.

scores = Judge(rewards=rewards, scoring=scoring, weights={"label": 1.0, "length": 0.5}).scores(replies)
scores.total      array([1.5, 0.5, …])          scores.parts      {"label": array([1, 0, …]), "length": array([1, 1, …])}
"""

import inspect
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from weft.schemas.counting import counted
from weft.trainer.replies import Reply
from weft.trainer.rewards.base import Reward, Scoring

WATCHED = 10  # steps
SELDOM = 0.1  # of the groups that are compared


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
        """Raises FloatingPointError for a score that is not finite, ValueError for a reward that does not give one for each reply."""
        parts = {one.name: _scored(one, replies, self.scoring) for one in self.rewards}
        if bad := [name for name, values in parts.items() if values.shape != (len(replies),)]:
            given = counted(parts[bad[0]].size, "score")
            raise ValueError(f"the reward {bad[0]} gives {given} for {len(replies)} replies: one for each is needed")
        if bad := [name for name, values in parts.items() if not np.isfinite(values).all()]:
            raise FloatingPointError(f"the reward {bad[0]} is not finite")
        total = sum((one.weight * parts[one.name] for one in self.rewards), np.zeros(len(replies)))
        return Scores(total=total, parts=parts)


def _scored(one: WeightedReward, replies: Sequence[Reply], scoring: Scoring) -> np.ndarray:
    """The scores of one reward. What it raises gets a note that names it, and its file."""
    try:
        return np.array(one.reward.scores(replies, scoring), np.float64)
    except Exception as fault:
        fault.add_note(f"the reward {one.name} ({inspect.getfile(type(one.reward))})")
        raise


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


@dataclass(frozen=True, slots=True)
class _StepScores:
    """One reward in one step: how many of its `groups` of compared replies differ, and its least and greatest score."""

    differing: int
    groups: int
    least: float
    most: float


@dataclass
class RareRewards:
    """Warns of a reward that in `steps` steps in a row differed in fewer than the share SELDOM of the groups of replies that are
    compared: it teaches little, or nothing. Told once, until it differs more often again. A stage of fewer steps is judged at its end.
    """

    warn: Callable[[str], None]
    steps: int = WATCHED
    _seen: dict[str, deque[_StepScores]] = field(default_factory=dict)  # of the last steps
    _told: set[str] = field(default_factory=set)

    def look(self, scores: Scores, group: int) -> None:
        """`group` replies in a row are compared with each other."""
        for name, values in scores.parts.items():
            differ = np.ptp(values.reshape(-1, group), axis=1) > 0
            seen = self._seen.setdefault(name, deque(maxlen=self.steps))
            seen.append(
                _StepScores(
                    differing=int(differ.sum()),
                    groups=len(differ),
                    least=float(values.min()),
                    most=float(values.max()),
                )
            )
            if len(seen) == self.steps:
                self._tell(name, seen)

    def end(self) -> None:
        """Judges what was seen of a stage that ends after fewer than `steps` steps."""
        for name, seen in self._seen.items():
            if len(seen) < self.steps:
                self._tell(name, seen)

    def _tell(self, name: str, seen: Sequence[_StepScores]) -> None:
        differ, compared = sum(step.differing for step in seen), sum(step.groups for step in seen)
        if differ >= SELDOM * compared:
            self._told.discard(name)
        elif name not in self._told:
            self._told.add(name)
            span = f"{counted(len(seen), 'step')}{' in a row' if len(seen) > 1 else ''}"
            self.warn(
                f"the reward {name} {_what_was_seen(seen, differ, compared)} in {span}, so "
                f"{'little' if differ else 'nothing'} was learned from it: make its task easier, or train longer before this stage"
            )


def _what_was_seen(seen: Sequence[_StepScores], differ: int, groups: int) -> str:
    if differ:
        return f"differed in {differ} of {counted(groups, 'group')} of replies ({differ / groups:.0%})"
    least, most = min(step.least for step in seen), max(step.most for step in seen)
    return "was the same for all replies to a prompt" if most > least else f"was always {least:g}"
