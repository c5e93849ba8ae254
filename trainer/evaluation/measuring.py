"""The loss of a network on held-out samples under each condition.

    measure(network, held_out, EvaluationSettings(contents=Contents.of(vocabulary)))
      {"text": ConditionLoss(nats=51301.2, tokens=9120, …), "speech": …, "text given speech": …, "speech given text": …}

Sums are exact to float64: over all counted tokens, however they are packed into batches. Dropout and gradients are off.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import isfinite, log

import numpy as np

from weft.schemas.training import TrainingStage
from weft.trainer.evaluation.conditions import CONDITIONS, Contents, conditions
from weft.trainer.evaluation.held_out import HeldOut
from weft.trainer.finite import Diverged
from weft.trainer.models.encoders import FrozenEncoders
from weft.trainer.models.network import Network
from weft.trainer.objectives.base import Sums, autocast, micro_rows
from weft.trainer.objectives.next_token import next_token
from weft.trainer.stream import Batch
from weft.trainer.validation import measuring


@dataclass(frozen=True, slots=True)
class ConditionLoss:
    """Sums over the counted tokens of one condition. `timed_nats` are of those tokens that stand for `seconds` of speech."""

    nats: float
    tokens: int
    timed_nats: float
    seconds: float

    @property
    def per_token(self) -> float:
        """Nats a token."""
        return self.nats / self.tokens

    @property
    def bits_per_second(self) -> float | None:
        """Bits a second of speech, over the tokens that stand for some; None where none does."""
        return self.timed_nats / log(2) / self.seconds if self.seconds else None


@dataclass(frozen=True)
class EvaluationSettings:
    """How a network is measured: `forward_tokens` go through it at once, matrix products are in `dtype`."""

    contents: Contents
    encoders: FrozenEncoders = field(default_factory=dict)
    forward_tokens: int = 8192
    dtype: str = "float32"

    def of(self, stage: TrainingStage) -> "EvaluationSettings":
        """With the precision and the size of a forward of a stage."""
        return replace(self, forward_tokens=stage.forward_tokens, dtype=stage.model.dtype)


def measure(
    network: Network, held_out: HeldOut, how: EvaluationSettings, report: Callable[[int], None] = lambda tokens: None
) -> dict[str, ConditionLoss]:
    """The figures of the conditions of which a token counts. `report` gets the tokens of each batch that is done.

    Raises Diverged when a loss is not finite.
    """
    sums, seconds = Sums.none(2 * len(CONDITIONS)), np.zeros(len(CONDITIONS))
    with measuring(network):
        for batch, seconds_BT in held_out.batches(how.forward_tokens):
            condition_BT = conditions(how.contents, batch)
            seconds += np.bincount(
                condition_BT[condition_BT >= 0], seconds_BT[condition_BT >= 0], minlength=len(CONDITIONS)
            )
            # the sums by label are those by condition, timed and untimed apart
            labels_BT = np.where(condition_BT >= 0, 2 * condition_BT + (seconds_BT > 0), -1).astype(np.int32)
            sums += _sums(network, replace(batch, labels_BT=labels_BT, loss_mask_BT=labels_BT >= 0), how)
            report(int((batch.documents_BT >= 0).sum()))
    return _figures(sums, seconds)


def _sums(network: Network, batch: Batch, how: EvaluationSettings) -> Sums:
    sums = Sums.none(2 * len(CONDITIONS))
    for rows in micro_rows(batch, network.device, how.forward_tokens, how.encoders):
        with autocast(network.device, how.dtype):
            sums += next_token(network, rows, 2 * len(CONDITIONS))[1]
    return sums


def _figures(sums: Sums, seconds: np.ndarray) -> dict[str, ConditionLoss]:
    nats, counts = sums.nats.reshape(-1, 2), sums.counts.reshape(-1, 2)
    if bad := [name for name, both in zip(CONDITIONS, nats, strict=True) if not isfinite(both.sum())]:
        raise Diverged(f"the loss of {', '.join(bad)} on held-out samples is not finite")
    return {
        name: ConditionLoss(
            nats=float(nats[n].sum()),
            tokens=int(counts[n].sum()),
            timed_nats=float(nats[n, 1]),
            seconds=float(seconds[n]),
        )
        for n, name in enumerate(CONDITIONS)
        if counts[n].sum()
    }
