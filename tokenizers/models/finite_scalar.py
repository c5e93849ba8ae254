"""Finite scalar quantization: each state becomes a few numbers, each rounded to one of a few levels.

levels (3, 3): numbers (-1, 0) -> code 0 + 3 * 1 = 3
"""

from collections.abc import Sequence
from math import prod

import torch
from torch import nn


class FiniteScalarQuantizer(nn.Module):
    """`levels` numbers a state, number n rounded to one of `levels[n]` (Mentzer et al. 2023, arXiv 2309.15505)."""

    def __init__(self, width: int, levels: Sequence[int]) -> None:
        super().__init__()
        self.down, self.up = nn.Linear(width, len(levels)), nn.Linear(len(levels), width)
        self.levels = torch.tensor(levels)
        self.places = torch.tensor([prod(levels[:n]) for n in range(len(levels))])

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """The states after quantization, [batch, frames, width]; gradients ignore the rounding (straight-through)."""
        numbers = self._bounded(states)
        half = (self.levels // 2).clamp(min=1)
        return torch.as_tensor(self.up((numbers + (numbers.round() - numbers).detach()) / half))

    def codes(self, states: torch.Tensor) -> torch.Tensor:
        """[batch, frames] of states [batch, frames, width]."""
        whole = self._bounded(states).round().long() + self.levels // 2
        return (whole * self.places).sum(-1)

    def _bounded(self, states: torch.Tensor) -> torch.Tensor:
        """Numbers that round to -(L // 2) … (L - 1) // 2 for L levels: an even count has one more below 0 than above."""
        half = (self.levels - 1) / 2 * (1 - 1e-3)
        offset = torch.where(self.levels % 2 == 0, 0.5, 0.0)
        return torch.tanh(self.down(states) + torch.atanh(offset / half.clamp(min=0.51))) * half - offset
