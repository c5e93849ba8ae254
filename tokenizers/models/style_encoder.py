"""A small network for speaking style: log-mels and F0 in, states every 40 ms out.

It learns to classify emotions and speakers by the mean of a crop's states; without such labels, which crops are of the same clip.
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
DOWN = 4  # steps of 10 ms in a state
_TEMPERATURE = 0.1


def features_of(samples: np.ndarray) -> np.ndarray:
    """Log-mels, F0 in octaves above 100 Hz and whether it is voiced, every 10 ms: float32 [n // 160, BANDS + 2]."""
    mels = log_mels(samples, BANDS)
    track = f0(samples)[::2][: len(mels)]
    track = np.pad(track, (0, len(mels) - len(track)))
    octaves = np.where(track > 0, np.log2(np.maximum(track, 1) / 100), 0.0)
    return np.concatenate([mels, octaves[:, None], (track > 0)[:, None]], axis=1).astype(np.float32)


class StyleEncoder(nn.Module):
    """`centre` and `scale` [BANDS + 2] are of the corpus, not of the utterance: loudness is part of a style."""

    centre: torch.Tensor
    scale: torch.Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(BANDS + 2))
        self.register_buffer("scale", torch.ones(BANDS + 2))
        self.first = nn.Conv1d(BANDS + 2, width, 5, stride=2, padding=2)
        self.second = nn.Conv1d(width, width, 5, stride=2, padding=2)
        self.others = nn.ModuleList(nn.Conv1d(width, width, 5, padding=2) for _ in range(2))

    def set_scale(self, features: Sequence[np.ndarray]) -> None:
        """Takes centre and scale from the features [steps, BANDS + 2] of the training set."""
        every = np.concatenate(features)
        self.centre.copy_(torch.from_numpy(every.mean(0)))
        self.scale.copy_(torch.from_numpy(every.std(0) + 1e-3))

    def forward(self, features_BTF: torch.Tensor) -> torch.Tensor:
        """[batch, ceil(frames / 4), width]"""
        states = ((features_BTF - self.centre) / self.scale).transpose(1, 2)
        states = gelu(self.second(gelu(self.first(states))))
        for conv in self.others:
            states = states + gelu(conv(states))
        return states.transpose(1, 2)


class StyleClassifier(nn.Module):
    """The encoder, with a linear classifier for each kind of label that has at least two values."""

    def __init__(self, width: int, labels: Sequence[Sequence[str]]) -> None:
        super().__init__()
        self.encoder = StyleEncoder(width)
        self.heads = nn.ModuleList(nn.Linear(width, len(names)) for names in labels)

    def loss(self, first: torch.Tensor, second: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Of two crops of each clip, [batch, steps, features], and its labels [batch, kinds] (-1: unknown)."""
        means = [self.encoder(crops).mean(1) for crops in (first, second)]
        if not self.heads:
            similarity = normalize(means[0], dim=1) @ normalize(means[1], dim=1).T / _TEMPERATURE
            return cross_entropy(similarity, torch.arange(len(similarity)))
        every = torch.cat(means)
        losses = [_label_loss(head(every), labels[:, kind].repeat(2)) for kind, head in enumerate(self.heads)]
        return torch.stack(losses).sum()


def _label_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return cross_entropy(logits, labels, ignore_index=-1) if (labels >= 0).any() else logits.sum() * 0


def labels_of(speech: Sequence[Speech]) -> tuple[list[list[str]], np.ndarray]:
    """The names of the emotions and of the speakers, where there are two at least; and each clip's numbers among them, int64
    [clips, kinds] (-1: unknown).
    """
    columns = [[one.emotion for one in speech], [one.speaker for one in speech]]
    names = [sorted({label for label in column if label}) for column in columns]
    kept = [(column, values) for column, values in zip(columns, names, strict=True) if len(values) > 1]
    numbers = [[values.index(label) if label else -1 for label in column] for column, values in kept]
    return [values for _, values in kept], np.array(numbers, np.int64).reshape(len(kept), len(speech)).T
