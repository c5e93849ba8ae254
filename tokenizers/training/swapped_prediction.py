"""Swapped prediction: two augmented versions of a clip (augmentation.py) are to be near the same prototypes, whoever speaks.

    version 1 ─ model ─ guesses ─┐  ┌─ prototypes, all about as often ─ version 1
                                 ╳                                                     each is taught the other's
    version 2 ─ model ─ guesses ─┘  └─ prototypes, all about as often ─ version 2

Speaker-invariant clustering, Spin (Chang et al. 2023, arXiv 2305.11072), §2, after SwAV (arXiv 2006.09882). Masked prediction
alone learns the teacher's clusters, which split a phone by voice.
"""

import numpy as np
import torch
from torch.nn.functional import normalize

from weft.tokenizers.models import kmeans
from weft.tokenizers.models.layers import last_block
from weft.tokenizers.models.mel_hubert import MelHubert
from weft.tokenizers.training.loop import seeded

_WIDTH = 128  # of what is compared
_SHARPNESS = 0.1  # temperature of the guesses
_EVENNESS = 0.05  # and of what they are taught: smaller follows the guess, larger makes prototypes as common
_ROUNDS = 3  # of making them so


class SwappedPrediction(torch.nn.Module):
    """The model, and the prototypes its last block's states are compared with."""

    def __init__(self, model: MelHubert, count: int) -> None:
        super().__init__()
        self.model = model
        self.project = torch.nn.Linear(model.config.hidden_size, _WIDTH)
        self.prototypes = torch.nn.Parameter(torch.zeros(count, _WIDTH))

    @classmethod
    def of(cls, model: MelHubert, states: np.ndarray, count: int, seed: int) -> "SwappedPrediction":
        """So many prototypes start as the clusters of the model's own states, float32 [frames, width]."""
        with seeded(seed), torch.no_grad():
            made = cls(model, count)
            shown = normalize(made.project(torch.from_numpy(states)), dim=-1)
            made.prototypes.copy_(torch.from_numpy(kmeans.fit(shown.numpy(), count, seed)))
        return made

    def loss(self, one: torch.Tensor, two: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
        """Of two augmented versions of the same crops, log-mels [batch, steps, BANDS]. `there`, bool [batch, frames]: no padding."""
        first, second = self._nearness(one)[there], self._nearness(two)[there]
        return _taught(first, even(second.detach())) + _taught(second, even(first.detach()))

    def _nearness(self, mels: torch.Tensor) -> torch.Tensor:
        states = self.model.feature_projection(self.model.feature_extractor(mels).transpose(1, 2))
        return normalize(self.project(last_block(self.model, states)), dim=-1) @ normalize(self.prototypes, dim=-1).T


def even(nearness_NK: torch.Tensor) -> torch.Tensor:
    """Shares [frames, prototypes] that sum to 1 a frame, as near to what is nearest as prototypes of like use allow (Sinkhorn and
    Knopp).
    """
    shares = ((nearness_NK - nearness_NK.max()) / _EVENNESS).exp()
    for _ in range(_ROUNDS):
        shares = shares / shares.sum(0, keepdim=True)
        shares = shares / shares.sum(1, keepdim=True)
    return shares


def _taught(nearness: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
    return -(shares * (nearness / _SHARPNESS).log_softmax(-1)).sum(-1).mean()
