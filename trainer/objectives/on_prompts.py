"""What GRPO and PPO share: replies are sampled, rewarded and compared with what the network of the stage's start would have said.

Plainly written: TRL's trainers own their loop, data and generation, and take no latents.
"""

import copy
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from weft.schemas.objectives import OnPrompts
from weft.trainer.models.network import Network
from weft.trainer.objectives.base import Objective, Rows, Sums, autocast, micro_rows
from weft.trainer.objectives.log_probs import divergence, mean_of_replies, token_log_probs
from weft.trainer.prompts import PromptBatch
from weft.trainer.replies import PromptSample
from weft.trainer.rollouts import Rollouts, rows_of_replies
from weft.trainer.scoring import Judge, RareRewards, Scores
from weft.trainer.stream import Batch


@dataclass(frozen=True)
class Practice:
    """How replies are sampled and judged, and who is told of a reward that never changes."""

    rollouts: Rollouts
    judge: Judge
    warn: Callable[[str], None] = print

    def mean_rewards(self, network: Network, prompts: Sequence[PromptSample]) -> dict[str, float]:
        """The means over one reply to each prompt, such as those held out: `reward`, the weighted sum, and `reward/NAME` of each."""
        replies = [one.reply for one in self.rollouts.sample(network, prompts, step=0)]
        return {name: float(values.mean()) for name, values in reward_figures(self.judge.scores(replies)).items()}


class OnPromptsObjective(Objective):
    """Rows hold a prompt and a reply each. A backend says what an update learns from them."""

    uses_dropout: ClassVar[bool] = False  # replies are sampled without it, and the ratio is to be 1 at first

    def __init__(self, settings: OnPrompts, practice: Practice) -> None:
        self.practice = practice
        self.clip, self.kl, self.epochs = settings.clip, settings.kl, settings.epochs
        self.temperature, self.dtype = settings.sampling.temperature, practice.rollouts.decoding.dtype
        self._rare = RareRewards(warn=practice.warn)

    @property
    @abstractmethod
    def group(self) -> int:
        """The replies to a prompt."""

    def begin(self, network: Network) -> None:
        self._reference = copy.deepcopy(network).eval().requires_grad_(False) if self.kl else None

    def batches(self, network: Network, drawn: PromptBatch) -> Iterator[Batch]:
        """Samples replies, and gives them for each epoch. Raises FloatingPointError."""
        replies = self.practice.rollouts.sample(network, drawn.prompts, drawn.after.step, self.group)
        scores = self.practice.judge.scores([one.reply for one in replies])
        self._rare.look(scores, self.group if self.group > 1 else len(replies))
        rows = rows_of_replies(replies, drawn)
        ended = np.array([one.reply.ended for one in replies], np.float32)
        figures = {
            **rows.figures,
            **reward_figures(scores),
            "ended": ended,
            "length": rows.loss_mask_BT.sum(1).astype(np.float32),
        }
        batch = self.judged(network, replace(rows, figures=figures), scores)
        for _ in range(self.epochs):
            yield batch

    @abstractmethod
    def judged(self, network: Network, batch: Batch, scores: Scores) -> Batch:
        """The batch with the figures that the loss needs."""

    def end(self) -> None:
        self._rare.end()

    def units(self, batch: Batch) -> int:
        """The replies of the batch."""
        return len(batch.ids_BT)

    @torch.no_grad()
    def measured(self, network: Network, batch: Batch, measure: Callable[[Rows], Tensor]) -> np.ndarray:
        """(B, T) float32: what `measure` gives for rows of the batch, a few rows at a time."""
        rollouts = self.practice.rollouts
        with autocast(network.device, self.dtype):
            parts = [
                measure(rows) for rows in micro_rows(batch, network.device, rollouts.forward_tokens, rollouts.encoders)
            ]
        return torch.cat(parts).float().cpu().numpy()

    def reference(self, network: Network, batch: Batch) -> dict[str, np.ndarray]:
        """`reference`, the log-probabilities (B, T) that the network of the stage's start gives the replies; none where `kl` is 0."""
        start = self._reference
        if start is None:
            return {}
        return {"reference": self.measured(network, batch, lambda rows: token_log_probs(start, rows, self.temperature))}

    def distance(self, new_BT: Tensor, rows: Rows) -> dict[str, Tensor]:
        """`kl`, the mean distance (B,) of each reply from the network of the stage's start; none where `kl` is 0."""
        if "reference" not in rows.figures:
            return {}
        return {"kl": mean_of_replies(divergence(new_BT, rows.figures["reference"]), rows.loss_mask_BT)}

    def sums(self, rows: Rows, losses_B: Tensor, measures: dict[str, Tensor], tasks: int) -> Sums:
        """Losses and measures (B,) by task, and the figures that each reply has."""
        labels = rows.labels_BT[:, 0].cpu().numpy()
        shown = {name: values for name, values in rows.figures.items() if values.ndim == 1}

        def by_task(values_B: Tensor) -> np.ndarray:
            return np.bincount(labels, values_B.detach().cpu().double().numpy(), tasks)

        return Sums(
            nats=by_task(losses_B),
            counts=np.bincount(labels, minlength=tasks),
            metrics={name: by_task(values) for name, values in {**shown, **measures}.items()},
        )


def reward_figures(scores: Scores) -> dict[str, np.ndarray]:
    """(B,) float32: `reward`, and `reward/NAME` of each."""
    parts = {f"reward/{name}": values.astype(np.float32) for name, values in scores.parts.items()}
    return {"reward": scores.total.astype(np.float32), **parts}
