"""The mixture of a training stage: how much of each task its stream holds, and of what within the task.

mixture: {unit: tokens, total: 100e9, shares: {speech: 1, words: 1, text: 1}, exhausted: repeat, passes: 4}
"""

from fractions import Fraction
from math import inf
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from weft.schemas.settings import Settings

Unit = Literal["tokens", "seconds", "samples", "batches", "weights"]


class Tempered(Settings):
    """Shares in proportion to the amounts of data, raised to `temperature`: 1 is in proportion, 0 gives equal shares."""

    temperature: float = Field(ge=0, le=1)


GroupShares = Annotated[Literal["held"] | Tempered | dict[str, float], Field(union_mode="left_to_right")]


class TaskShare(Settings):
    """A task's weight (or budget), and the shares of sources, languages and emotions within it.

    `by` lists levels, outermost first: `{source: {a: 2, b: 1}}`, `{language: {temperature: 0.7}}`, `{emotion: held}`. Sources
    are always a level: outermost and as held, unless `by` names them. `most` is the largest part of the task that one
    speaker may fill; samples beyond it are skipped and counted.
    """

    weight: float = Field(gt=0, allow_inf_nan=False)
    by: tuple[dict[Literal["source", "language", "emotion"], GroupShares], ...] = ()
    most: dict[Literal["speaker"], Annotated[float, Field(gt=0, le=1)]] = {}

    @field_validator("by")
    @classmethod
    def _levels_once(cls, by: tuple[dict[str, GroupShares], ...]) -> tuple[dict[str, GroupShares], ...]:
        names = [name for level in by for name in level]
        if any(len(level) != 1 for level in by):
            raise ValueError("each entry of `by` is one level, such as `{language: {temperature: 0.7}}`")
        if len(set(names)) < len(names):
            raise ValueError(f"`by` names a level twice ({', '.join(names)})")
        for shares in (shares for level in by for shares in level.values()):
            if isinstance(shares, dict) and not (shares and all(0 < share < inf for share in shares.values())):
                raise ValueError("every share in `by` must be a number above 0")
        return by

    @property
    def levels(self) -> tuple[tuple[str, GroupShares], ...]:
        """Each level with its shares, outermost first; sources are always among them."""
        named = tuple((str(name), shares) for level in self.by for name, shares in level.items())
        sources: tuple[str, GroupShares] = ("source", "held")
        return named if any(name == "source" for name, _ in named) else (sources, *named)


class Mixture(Settings):
    """How much of each task the stage's stream holds, exact in `unit` at every prefix.

    `total` with relative `shares`, or one amount a task in `budgets`; `scale` shrinks either. A task's share is a number, or a
    TaskShare with what lies below it. `batches` counts context-sized chunks of tokens; `weights` are relative odds of a
    task's samples, so its unit is the sample.
    `exhausted` is what happens when a task has no new sample left: its data are drawn again, with new spans, up to `passes` times in
    all (`repeat`), the stage ends (`stop`), or the plan is refused (`error`). `after` names earlier stages: this one continues in
    the data where they ended, and `passes` counts theirs too.
    """

    unit: Unit = "tokens"
    total: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    shares: dict[str, float | TaskShare] = {}
    budgets: dict[str, float | TaskShare] = {}
    scale: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    exhausted: Literal["repeat", "stop", "error"] = "error"
    passes: int = Field(default=1, ge=1, validate_default=True)
    after: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> "Mixture":
        by_share = self.total is not None and bool(self.shares)
        if by_share == bool(self.budgets) or (self.budgets and (self.shares or self.total is not None)):
            raise ValueError("give either `total` and `shares`, or `budgets`")
        return self

    @field_validator("passes")
    @classmethod
    def _repeats(cls, passes: int, info: ValidationInfo) -> int:
        exhausted = info.data.get("exhausted")  # absent where it is wrong itself
        if exhausted and (exhausted == "repeat") != (passes > 1):
            raise ValueError("`passes` above 1 and `exhausted: repeat` go together")
        return passes

    @field_validator("shares", "budgets")
    @classmethod
    def _above_nothing(cls, amounts: dict[str, float | TaskShare]) -> dict[str, float | TaskShare]:
        wrong = [
            repr(task) for task, amount in amounts.items() if not isinstance(amount, TaskShare) and not 0 < amount < inf
        ]
        if wrong:
            raise ValueError(
                f"the amount of {', '.join(wrong)} must be a number above 0; leave a task out to give it nothing"
            )
        return amounts

    @property
    def tasks(self) -> dict[str, TaskShare]:
        """Each task with its share or budget and the shares below it."""
        named = (self.shares or self.budgets).items()
        return {
            task: given if isinstance(given, TaskShare) else TaskShare.model_construct(weight=given)
            for task, given in named
        }

    @property
    def weights(self) -> dict[str, Fraction]:
        """Each task's exact share of the stage; they sum to 1."""
        amounts = {task: Fraction(str(share.weight)) for task, share in self.tasks.items()}
        return {task: amount / sum(amounts.values()) for task, amount in amounts.items()}

    @property
    def size(self) -> Fraction:
        """The whole stage, in `unit`, after scaling."""
        budgets = (Fraction(str(share.weight)) for share in self.tasks.values())
        declared = Fraction(str(self.total)) if self.total is not None else sum(budgets, Fraction(0))
        return declared * Fraction(str(self.scale))
