"""A small VQ-VAE over tracks of two channels: 16 steps become one code.

[batch, 2, 16 n] -> convolutions, halved four times -> [batch, n, width] -> nearest code -> convolutions, doubled -> [batch, 2, 16 n]

Codes are moving averages of the states nearest to them (van den Oord et al. 2017, appendix A). A code that is rarely the nearest is
moved to a state far from all codes.
"""

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss, relu

_DECAY = 0.99  # of the moving averages, each step
_COMMITMENT = 0.25  # weight of the commitment loss
_FEWEST = 0.02  # states a step, on average, for which a code must be the nearest; below that it is moved


class VqVae(nn.Module):
    """`codes` of `width` channels. A track's channels are a real number and a probability (a logit when decoded)."""

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
        """The nearest code of states [batch, width, frames]: int64 [batch, frames]."""
        states = states_BCT.transpose(1, 2)
        return (states @ self.codes.T - (self.codes**2).sum(1) / 2).argmax(-1)

    def forward(self, tracks: torch.Tensor) -> torch.Tensor:
        """Codes [batch, n] of tracks [batch, 2, 16 n]."""
        return self.nearest(self.encoder(tracks))

    def decoded(self, codes: torch.Tensor) -> torch.Tensor:
        """Tracks [batch, 2, 16 n] of codes [batch, n]."""
        return torch.as_tensor(self.decoder(self.codes[codes].transpose(1, 2)))

    def loss(self, tracks: torch.Tensor) -> torch.Tensor:
        """The loss of tracks [batch, 2, 16 n] whose second channel is 0 or 1; the first counts only where that is 1. Also updates the
        codes.
        """
        states = self.encoder(tracks)
        codes = self.nearest(states)
        quantized = self.codes[codes].transpose(1, 2)
        self._update_codes(states.detach().transpose(1, 2).reshape(-1, states.shape[1]), codes.reshape(-1))
        value, voiced = self.decoder(states + (quantized - states).detach()).unbind(1)
        error = ((value - tracks[:, 0]) ** 2 * tracks[:, 1]).sum() / tracks[:, 1].sum().clamp(min=1)
        return (
            error
            + binary_cross_entropy_with_logits(voiced, tracks[:, 1])
            + _COMMITMENT * mse_loss(states, quantized.detach())
        )

    @torch.no_grad()
    def _update_codes(self, states: torch.Tensor, codes: torch.Tensor) -> None:
        here = torch.nn.functional.one_hot(codes, len(self.codes)).to(states)
        self.counts.mul_(_DECAY).add_(here.sum(0), alpha=1 - _DECAY)
        self.sums.mul_(_DECAY).add_(here.T @ states, alpha=1 - _DECAY)
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
