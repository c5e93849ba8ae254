"""The rewards of replies to held-out prompts, measured between two steps of training.

    held_out = select_prompts(Path("corpus/shards/validation"), stage)
    held_out.losses(network, objective, step=100)      (ValidationRow(100, "prompts", -0.4, 60, metrics={"reward": 0.4, …}),)

One reply is sampled to each of the first `samples` prompts of each task, with the same random numbers each time, before the first step
too. Training is not changed.
"""

from dataclasses import dataclass
from pathlib import Path

from weft.schemas.training import TrainingStage
from weft.trainer.loader import DrawReader, OpenTar, mapped
from weft.trainer.losses import ValidationRow
from weft.trainer.models.encoders import NO_ENCODERS, FrozenEncoders
from weft.trainer.models.network import Network
from weft.trainer.objectives.base import Objective
from weft.trainer.objectives.on_prompts import OnPromptsObjective
from weft.trainer.replies import PromptSample
from weft.trainer.validation import first_draws, measuring


@dataclass(frozen=True)
class PromptValidation:
    """The held-out prompts of a stage."""

    prompts: tuple[PromptSample, ...]
    every: int

    def due(self, step: int, last: int) -> bool:
        """Whether replies are rewarded after step `step`; after the last they always are."""
        return step % self.every == 0 or step == last

    def losses(
        self, network: Network, objective: Objective, step: int, encoders: FrozenEncoders = NO_ENCODERS
    ) -> tuple[ValidationRow, ...]:
        """A row for each task: `loss` is minus the mean reward, `tokens` are replies. Raises FloatingPointError."""
        assert isinstance(objective, OnPromptsObjective)
        rows = []
        with measuring(network):
            for task in sorted({prompt.draw.task for prompt in self.prompts}):
                prompts = [prompt for prompt in self.prompts if prompt.draw.task == task]
                means = _means(network, objective, prompts, step)
                rows.append(
                    ValidationRow(step=step, task=task, loss=0.0 - means["reward"], tokens=len(prompts), metrics=means)
                )
        return tuple(rows)


def _means(network: Network, objective: OnPromptsObjective, prompts: list[PromptSample], step: int) -> dict[str, float]:
    try:
        return objective.practice.mean_rewards(network, prompts)
    except FloatingPointError as fault:
        raise type(fault)(f"held-out prompts after step {step}: {fault}") from None


def select_prompts(folder: Path, stage: TrainingStage, open_tar: OpenTar = mapped) -> PromptValidation | None:
    """The first held-out prompts of each task of the stage; None without any. Raises ValueError for a draw of another split."""
    draws = DrawReader(folder, open_tar=open_tar)
    positions = list(first_draws(draws.index, stage))
    prompts = tuple(
        PromptSample(draw=draw, key=str(record["key"]), answer=str(record.get("answer", "")))
        for draw, record in zip(draws.pick(positions), draws.records_of(positions), strict=True)
    )
    return PromptValidation(prompts=prompts, every=stage.validation.every) if prompts else None
