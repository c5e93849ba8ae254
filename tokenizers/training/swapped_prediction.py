"""Swapped prediction: from one augmented version of a clip (augmentation.py) the model predicts the prototypes of another.

    version 1 ─ model ─ similarities ─┐  ┌─ balanced assignment of version 1
                                      ╳                                            each predicts the other's assignment
    version 2 ─ model ─ similarities ─┘  └─ balanced assignment of version 2

Speaker-invariant clustering, Spin (Chang et al. 2023, arXiv 2305.11072), §2, after SwAV (arXiv 2006.09882). Masked prediction
alone learns the teacher's clusters, several of which are one phone of different speakers.
"""

import numpy as np
import torch
from torch.nn.functional import normalize

from weft.tokenizers.models import kmeans
from weft.tokenizers.models.layers import last_block
from weft.tokenizers.models.mel_hubert import MelHubert
from weft.tokenizers.training.loop import seeded

_WIDTH = 128  # of the projected states and prototypes
_TEMPERATURE = 0.1  # of the predictions
_TARGET_TEMPERATURE = 0.05  # of the assignments: smaller keeps the nearest prototype, larger balances their use more
_ROUNDS = 3  # of Sinkhorn and Knopp


class SwappedPrediction(torch.nn.Module):
    """The model, and the prototypes that its last block's states are compared with."""

    def __init__(self, model: MelHubert, count: int) -> None:
        super().__init__()
        self.model = model
        self.project = torch.nn.Linear(model.config.hidden_size, _WIDTH)
        self.prototypes = torch.nn.Parameter(torch.zeros(count, _WIDTH))

    @classmethod
    def of(cls, model: MelHubert, states: np.ndarray, count: int, seed: int) -> "SwappedPrediction":
        """`count` prototypes, which begin as clusters of the model's own states, float32 [frames, width]."""
        with seeded(seed), torch.no_grad():
            learner = cls(model, count)
            projected = normalize(learner.project(torch.from_numpy(states)), dim=-1)
            learner.prototypes.copy_(torch.from_numpy(kmeans.fit(projected.numpy(), count, seed)))
        return learner

    def loss(self, one: torch.Tensor, two: torch.Tensor, inside: torch.Tensor) -> torch.Tensor:
        """Of two augmented versions of the same crops, log-mels [batch, steps, BANDS]. `inside`, bool [batch, frames]: no padding."""
        first, second = self._similarities(one)[inside], self._similarities(two)[inside]
        return _cross_entropy(first, balanced(second.detach())) + _cross_entropy(second, balanced(first.detach()))

    def _similarities(self, mels: torch.Tensor) -> torch.Tensor:
        states = self.model.feature_projection(self.model.feature_extractor(mels).transpose(1, 2))
        return normalize(self.project(last_block(self.model, states)), dim=-1) @ normalize(self.prototypes, dim=-1).T


def balanced(similarities_NK: torch.Tensor) -> torch.Tensor:
    """Assignments [frames, prototypes] that sum to 1 a frame, in which prototypes are used about equally often (Sinkhorn and Knopp)."""
    shares = ((similarities_NK - similarities_NK.max()) / _TARGET_TEMPERATURE).exp()
    for _ in range(_ROUNDS):
        shares = shares / shares.sum(0, keepdim=True)
        shares = shares / shares.sum(1, keepdim=True)
    return shares


def _cross_entropy(similarities: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return -(targets * (similarities / _TEMPERATURE).log_softmax(-1)).sum(-1).mean()
