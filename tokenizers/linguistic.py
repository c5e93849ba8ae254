"""Linguistic codes, trained here: the nearest k-means centroid of a recogniser's last states, every 60 ms.

Step-Audio-AQAA's other codebook: 1,024 codes at 16.7 Hz from Paraformer's encoder, here from one that learned by CTC.

    encode(samples[16000])  ->  ids 88 17 17 940 …, 16 frames
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field, PrivateAttr

from weft.tokenizers.models.learned import Learned
from weft.tokenizers.models.supervised import Supervised
from weft.tokenizers.stream import Speech

if TYPE_CHECKING:
    import torch
    from torch import nn

    from weft.tokenizers.models.recogniser import Recogniser

RATE = 50 / 3  # Hz: a frame every 60 ms


class Tokenizer(Supervised):
    """A code every 60 ms. Codes are not deduplicated: two of them last as long as three semantic codes."""

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

        states = np.concatenate(self._infer(speech, model.normalised_states))
        return {"centroids": torch.from_numpy(kmeans.fit(states, self.size, seed))}

    def _use(self, learned: Learned, folder: Path) -> None:
        super()._use(learned, folder)
        self._centroids = learned.centroids(folder, self.size, self.training.width)

    def _ids(self, speech: Sequence[Speech]) -> Iterator[np.ndarray]:
        from weft.tokenizers.models import kmeans

        for states in self._infer(speech, self._ready().normalised_states):
            assert self._centroids is not None
            yield kmeans.assign(states, self._centroids)
