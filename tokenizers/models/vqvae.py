"""A small VQ-VAE over tracks of a few channels: 16 steps of them become one of a few codes.

[batch, 2, 16 n] -> convolutions, halved four times -> [batch, n, width] -> nearest code -> convolutions, doubled -> [batch, 2, 16 n]

Codes follow the means of what is nearest to them (van den Oord et al. 2017, appendix A); one that nothing is near to for long is
moved to where something is.
"""

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss, relu

_KEEP = 0.99  # of a code's mean, each step
_COMMIT = 0.25
_FEWEST = 0.02  # how often a code must be nearest, in the mean, to stay


class VqVae(nn.Module):
    """`codes` of `width` channels. The second channel of two is a probability's logit, the first any number."""

    codes: torch.Tensor
    sums: torch.Tensor
    counts: torch.Tensor

    def __init__(self, codes: int, width: int = 64) -> None:
        super().__init__()
        self.encoder = nn.Sequential(*_halves(2, width), nn.Conv1d(width, width, 3, padding=1))
        self.decoder = nn.Sequential(
            nn.Conv1d(width, width, 3, padding=1), *_doubles(width), nn.Conv1d(width, 2, 3, padding=1)
        )
        self.register_buffer("codes", torch.randn(codes, width) / width**0.5)
        self.register_buffer("sums", self.codes.clone())
        self.register_buffer("counts", torch.ones(codes))

    def nearest(self, states_BCT: torch.Tensor) -> torch.Tensor:
        """[batch, frames]"""
        states = states_BCT.transpose(1, 2)
        return (states @ self.codes.T - (self.codes**2).sum(1) / 2).argmax(-1)

    def forward(self, tracks: torch.Tensor) -> torch.Tensor:
        """Codes [batch, n] of tracks [batch, 2, 16 n]."""
        return self.nearest(self.encoder(tracks))

    def decoded(self, codes: torch.Tensor) -> torch.Tensor:
        """Tracks [batch, 2, 16 n] of codes [batch, n]."""
        return torch.as_tensor(self.decoder(self.codes[codes].transpose(1, 2)))

    def loss(self, tracks: torch.Tensor) -> torch.Tensor:
        """Of tracks [batch, 2, 16 n] whose second channel is 0 or 1; where it is 0 the first does not count. Moves the codes."""
        states = self.encoder(tracks)
        codes = self.nearest(states)
        chosen = self.codes[codes].transpose(1, 2)
        self._follow(states.detach().transpose(1, 2).reshape(-1, states.shape[1]), codes.reshape(-1))
        made = self.decoder(states + (chosen - states).detach())
        value, voiced = made.unbind(1)
        wrong = ((value - tracks[:, 0]) ** 2 * tracks[:, 1]).sum() / tracks[:, 1].sum().clamp(min=1)
        return (
            wrong + binary_cross_entropy_with_logits(voiced, tracks[:, 1]) + _COMMIT * mse_loss(states, chosen.detach())
        )

    @torch.no_grad()
    def _follow(self, states: torch.Tensor, codes: torch.Tensor) -> None:
        here = torch.nn.functional.one_hot(codes, len(self.codes)).to(states)
        self.counts.mul_(_KEEP).add_(here.sum(0), alpha=1 - _KEEP)
        self.sums.mul_(_KEEP).add_(here.T @ states, alpha=1 - _KEEP)
        lost = torch.nonzero(self.counts < _FEWEST)[:, 0]
        far = ((states - self.codes[codes]) ** 2).sum(1).argsort(descending=True, stable=True)[: len(lost)]
        self.counts[lost[: len(far)]] = 1.0
        self.sums[lost[: len(far)]] = states[far]
        self.codes.copy_(self.sums / self.counts[:, None])


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.one, self.two = nn.Conv1d(width, width, 3, padding=1), nn.Conv1d(width, width, 1)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return states + torch.as_tensor(self.two(relu(self.one(relu(states)))))


def _halves(channels: int, width: int) -> list[nn.Module]:
    widths = [channels, width, width, width]
    return [m for one in widths for m in (nn.Conv1d(one, width, 4, stride=2, padding=1), _Residual(width))]


def _doubles(width: int) -> list[nn.Module]:
    return [m for _ in range(4) for m in (_Residual(width), nn.ConvTranspose1d(width, width, 4, stride=2, padding=1))]
