"""The learning rate of each step, by the schedules of transformers.

warmup 2, cosine to lr_end over 10 steps:   0.5 lr, lr, … lr_end
"""

from typing import Any

import torch
from torch.optim import SGD
from transformers import get_scheduler

from weft.schemas.training import Optimiser


def learning_rate(settings: Optimiser, step: int, total: int) -> float:
    """The rate of step `step` (the first is 1) of `total`: linear warmup to `lr`, then `schedule` down to `lr_end`."""
    name, arguments = _scheduler(settings)
    warmup = max(
        settings.warmup, 1
    )  # the last step of the warmup has the full rate; without a warmup the first step has it
    last = max(total, warmup + 1)
    # transformers needs an optimiser; the rate depends on the step alone, so no state is kept
    optimiser = SGD([torch.zeros(1)], lr=settings.lr)
    schedule = get_scheduler(name, optimiser, warmup, last, scheduler_specific_kwargs=arguments)
    return settings.lr * float(schedule.lr_lambdas[0](min(step, last)))


def _scheduler(settings: Optimiser) -> tuple[str, dict[str, Any]]:
    """The name and the arguments of the schedule in transformers."""
    if settings.schedule == "cosine":
        return "cosine_with_min_lr", {"min_lr": settings.lr_end}
    if settings.schedule == "linear":
        return "polynomial", {"lr_end": settings.lr_end, "power": 1.0}
    return "constant_with_warmup", {}
