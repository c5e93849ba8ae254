"""The learning rate of each step.

warmup 2, cosine to lr_end over 10 steps:   0.5 lr, lr, … lr_end
"""

import math

from weft.schemas.training import Optimiser


def learning_rate(settings: Optimiser, step: int, total: int) -> float:
    """The rate of step `step` (the first is 1) of `total`: linear warmup, then constant, or a cosine to `lr_end`."""
    if step < settings.warmup:
        return settings.lr * step / settings.warmup
    if settings.schedule == "constant":
        return settings.lr
    peak = max(settings.warmup, 1)
    progress = min((step - peak) / max(total - peak, 1), 1.0)
    return settings.lr_end + (settings.lr - settings.lr_end) * (1 + math.cos(math.pi * progress)) / 2
