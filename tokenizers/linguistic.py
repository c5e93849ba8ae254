"""Linguistic codes, trained here: a recogniser's last states every 60 ms, and the nearest of their k-means centroids.

Step-Audio-AQAA's other codebook: 1,024 codes at 16.7 Hz from Paraformer's encoder, here from one that learned by CTC.

    encode(samples[16000])  ->  ids 88 17 17 940 …, 16 frames
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field, PrivateAttr

from weft.tokenizers.models import folder as folders
from weft.tokenizers.models.supervised import Supervised
from weft.tokenizers.stream import Speech

if TYPE_CHECKING:
    import torch
    from torch import nn

    from weft.tokenizers.models.recogniser import Heard, Recogniser

RATE = 50 / 3  # Hz: a frame every 60 ms


class Tokenizer(Supervised):
    """A code every 60 ms. Repeats stay: they are what puts two of them beside three semantic codes."""

    rate: float = Field(default=RATE, ge=RATE - 1e-9, le=RATE + 1e-9)
    size: int = Field(default=1024, ge=2)
    literal: str = "<audio_{}>"
    dedup: bool = False

    _centroids: np.ndarray | None = PrivateAttr(None)

    @property
    def _blocks(self) -> tuple[int, int]:
        return self.training.layers, 0

    def _bottleneck(self) -> "nn.Module":
        from torch import nn

        return nn.Identity()

    def _tables(self, model: "Recogniser", speech: Sequence[Speech], seed: int) -> "dict[str, torch.Tensor]":
        import torch

        from weft.tokenizers.models import kmeans

        states = np.concatenate(self._heard(speech, _norm_of(model)))
        return {"centroids": torch.from_numpy(kmeans.fit(states, self.size, seed))}

    def _hold(self, model: "Recogniser", tables: "dict[str, torch.Tensor]", folder: Path) -> None:
        centroids = tables["centroids"].numpy() if "centroids" in tables else np.zeros((0, 0))
        if centroids.shape != (self.size, self.training.width):
            wanted = [self.size, self.training.width]
            raise ValueError(f"{folder}: centroids are {list(centroids.shape)}, but [size, width] is {wanted}")
        folders.check_finite(folder, centroids)
        self._model, self._centroids = model, centroids

    def _ids(self, speech: Sequence[Speech]) -> Iterator[np.ndarray]:
        from weft.tokenizers.models import kmeans

        for states in self._heard(speech, _norm_of(self._ready())):
            assert self._centroids is not None
            yield kmeans.assign(states, self._centroids)


def _norm_of(model: "Recogniser") -> "Heard":
    """The states as its head has them: of one size, so that distances say what they are of."""

    import torch

    def states(mels: "torch.Tensor", lengths: "torch.Tensor") -> "torch.Tensor":
        return torch.as_tensor(model.norm(model.states(mels, lengths)))

    return states
