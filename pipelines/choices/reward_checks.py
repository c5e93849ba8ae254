"""The rewards of a training stage, checked against the tasks and the vocabulary of its recipe.

rewards_of(backends, "rl-3")     raises RecipeFault(("training", "rl-3", …, "0"), "the reward 'label' needs an answer, and …")
"""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from weft.pipelines.choices.recipe_faults import RecipeFault, chosen
from weft.pipelines.choices.task_checks import Chosen
from weft.pipelines.tasks.base import Task
from weft.schemas.objectives import OnPrompts


class WithTasks(Chosen, Protocol):
    """What of a recipe's backends rewards are checked against."""

    @property
    def tasks(self) -> Mapping[str, Task]: ...


def rewards_of(backends: WithTasks, stage: str) -> tuple[Any, ...]:
    """The rewards of a stage in the order of the recipe; none where it learns from no prompts. Raises RecipeFault."""
    objective = backends.recipe.training[stage].objective
    if not isinstance(objective, OnPrompts):
        return ()
    made = []
    for place, choice in enumerate(objective.rewards):
        path = ("training", stage, "objective", "rewards", str(place))
        reward = chosen("rewards", choice, *path)
        for fault in _faults(backends, stage, choice.use, reward):
            raise RecipeFault(path, fault)
        made.append(reward)
    return tuple(made)


def _faults(backends: WithTasks, stage: str, name: str, reward: Any) -> Iterator[str]:
    recipe = backends.recipe
    for task in recipe.training[stage].mixture.tasks if reward.needs_answer else ():
        if not backends.tasks[task].keeps_answer:
            yield (
                f"the reward {name!r} compares replies with an answer, and the samples of task {task!r} have none: "
                "let the task name the record's field with `answer:`, or leave the reward out"
            )
    for marker in sorted(reward.markers - recipe.vocabulary.markers):
        yield f"the reward {name!r} looks for the marker {marker!r}, which is not in `vocabulary: tokens:`"
    for stream in reward.streams:
        if stream not in backends.tokenizers and stream not in backends.streams:
            yield f"{stream!r} is neither under `tokenizers:` nor under `streams:`"
