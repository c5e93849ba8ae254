"""A small network that hears how something is said: log-mels and F0 in, states every 40 ms out.

It learns to tell emotions and speakers from the mean of a stretch's states; where neither is known, which stretches are of one clip.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy, gelu, normalize

from weft.tokenizers.features.f0 import f0
from weft.tokenizers.features.mels import log_mels
from weft.tokenizers.stream import Speech

BANDS = 40
DOWN = 4  # steps of 10 ms that become a state
_TEMPERATURE = 0.1


def features_of(samples: np.ndarray) -> np.ndarray:
    """Log-mels, octaves above 100 Hz and whether anything is voiced, every 10 ms: float32 [n // 160, BANDS + 2]."""
    mels = log_mels(samples, BANDS)
    track = f0(samples)[::2][: len(mels)]
    track = np.pad(track, (0, len(mels) - len(track)))
    octaves = np.where(track > 0, np.log2(np.maximum(track, 1) / 100), 0.0)
    return np.concatenate([mels, octaves[:, None], (track > 0)[:, None]], axis=1).astype(np.float32)


class StyleEncoder(nn.Module):
    """`centre` and `scale` [BANDS + 2] are of the corpus, not of the utterance: how loud it is is part of a style."""

    centre: torch.Tensor
    scale: torch.Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(BANDS + 2))
        self.register_buffer("scale", torch.ones(BANDS + 2))
        self.first = nn.Conv1d(BANDS + 2, width, 5, stride=2, padding=2)
        self.second = nn.Conv1d(width, width, 5, stride=2, padding=2)
        self.others = nn.ModuleList(nn.Conv1d(width, width, 5, padding=2) for _ in range(2))

    def forward(self, features_BTF: torch.Tensor) -> torch.Tensor:
        """[batch, ceil(frames / 4), width]"""
        states = ((features_BTF - self.centre) / self.scale).transpose(1, 2)
        states = gelu(self.second(gelu(self.first(states))))
        for conv in self.others:
            states = states + gelu(conv(states))
        return states.transpose(1, 2)


class Teacher(nn.Module):
    """The encoder with what it is taught by: a head for each kind of label that there are at least two of."""

    def __init__(self, width: int, labels: Sequence[Sequence[str]]) -> None:
        super().__init__()
        self.encoder = StyleEncoder(width)
        self.heads = nn.ModuleList(nn.Linear(width, len(names)) for names in labels)

    def loss(self, one: torch.Tensor, two: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
        """Of two stretches of each clip, [batch, frames, features], and its labels [batch, kinds] (-1: not known)."""
        means = [self.encoder(stretch).mean(1) for stretch in (one, two)]
        if not self.heads:
            near = normalize(means[0], dim=1) @ normalize(means[1], dim=1).T / _TEMPERATURE
            return cross_entropy(near, torch.arange(len(near)))
        told = torch.cat(means)
        losses = [_told(head(told), known[:, kind].repeat(2)) for kind, head in enumerate(self.heads)]
        return torch.stack(losses).sum()


def _told(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return cross_entropy(logits, labels, ignore_index=-1) if (labels >= 0).any() else logits.sum() * 0


def kinds_of(speech: Sequence[Speech]) -> tuple[list[list[str]], np.ndarray]:
    """The emotions and the speakers, as far as there are two, and each clip's numbers among them, int64 [clips, kinds] (-1: none)."""
    told = [[one.emotion for one in speech], [one.speaker for one in speech]]
    names = [sorted({label for label in column if label}) for column in told]
    kept = [(column, known) for column, known in zip(told, names, strict=True) if len(known) > 1]
    numbers = [[known.index(label) if label else -1 for label in column] for column, known in kept]
    return [known for _, known in kept], np.array(numbers, np.int64).reshape(len(kept), len(speech)).T
