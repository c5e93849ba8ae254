"""Numbers that are not finite: they end a run, are never saved, and are told with what helps.

with finite(optimiser, Path("run/sft")): …     ValueError: the loss of step 70 is not finite; lower `lr` or lengthen `warmup`, then …
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn
from torch.optim import Optimizer

from weft.trainer.runs import anew


class Diverged(FloatingPointError):
    """A number that weights give, and that is not finite: after an update because of too high a learning rate."""


@contextmanager
def finite(optimiser: Optimizer, stage: Path, where: Callable[[], str] = lambda: "") -> Iterator[None]:
    """Turns a FloatingPointError into a ValueError that ends in `where` and in what helps. `stage` is its folder."""
    try:
        yield
    except FloatingPointError as fault:
        raise ValueError(f"{fault}{where()}{_remedy(fault, optimiser, stage)}") from None


def check_finite(network: nn.Module, step: int) -> None:
    """Raises Diverged for weights that are not finite."""
    if bad := [name for name, weight in network.named_parameters() if not torch.isfinite(weight).all()]:
        raise Diverged(f"after step {step} weights are not finite ({bad[0]})")


def _remedy(fault: FloatingPointError, optimiser: Optimizer, stage: Path) -> str:
    if not isinstance(fault, Diverged):
        return ""
    if not optimiser.state:
        start = "look at the weights that the stage starts from (was an earlier rate too high?), and at `dtype`"
        return f"; this was before any update: {start}"
    return f"; lower `lr` or lengthen `warmup`, then {anew(stage)}"  # another rate is another run, so no checkpoint may be left
