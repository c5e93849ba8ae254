"""MFCC k-means units: what other units are measured against.

encode(samples[16000])  ->  ids 17 3 88 …, 25 frames
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from pydantic import Field, PrivateAttr, field_validator

from weft.schemas.fingerprint import version_of
from weft.tokenizers.base import SAMPLE_RATE, SpeechTokenizer
from weft.tokenizers.features.mfcc import STEP, WIDTH, mfcc
from weft.tokenizers.models import folder as folders
from weft.tokenizers.stream import Speech


class Tokenizer(SpeechTokenizer):
    """13 cepstra with their slopes, and the nearest of `size` centroids learned from at most `seconds`."""

    rate: float = Field(default=25, gt=0, le=100)
    size: int = Field(default=100, ge=2)
    literal: str = "[Ce{}]"
    seconds: float = Field(default=3600, gt=0)

    _centroids: np.ndarray | None = PrivateAttr(None)
    _checksum: str = PrivateAttr("")

    @field_validator("rate")
    @classmethod
    def _rates(cls, rate: float) -> float:
        steps = SAMPLE_RATE / rate / STEP
        if abs(steps - round(steps)) > 1e-6:
            raise ValueError(f"an MFCC unit lasts so many times 10 ms: {rate:g} Hz are not possible")
        return rate

    @property
    def training_seconds(self) -> float:
        return self.seconds

    def train(self, speech: Sequence[Speech], folder: Path, seed: int) -> None:
        """Raises ValueError for too little speech. The same for the same speech in any order."""
        import torch

        from weft.tokenizers.models import kmeans

        usable = self._usable(speech)
        if not usable:
            raise ValueError(f"none of the {len(speech)} clips is as long as one frame ({1 / self.rate:g} s)")
        centroids = kmeans.fit(np.concatenate([mfcc(s.samples, self._hop) for s in usable]), self.size, seed)
        folders.save(folder, self, {"centroids": torch.from_numpy(centroids)}, {})
        self.load(folder)

    def load(self, folder: Path) -> None:
        import torch

        tensors, _, self._checksum = folders.load(folder)
        folders.check_settings(folder, self, "rate")
        self._centroids = tensors.get("centroids", torch.zeros(0, 0)).numpy()
        folders.check_finite(folder, self._centroids)
        if self._centroids.shape != (self.size, WIDTH):
            wanted = [self.size, WIDTH]
            raise ValueError(
                f"{folder}: its model has other settings (centroids {list(self._centroids.shape)}, not {wanted})"
            )

    def frames(self, n_samples: int) -> int:
        return n_samples // self._hop

    def version(self) -> str:
        return "+".join(
            ("cepstra-4", *(f"{backend}-{version_of(backend)}" for backend in ("transformers", "scipy", "torch")))
        )

    @property
    def checksum(self) -> str:
        return self._checksum

    def _ids(self, speech: Sequence[Speech]) -> Iterator[np.ndarray]:
        from weft.tokenizers.models import kmeans

        if self._centroids is None:
            raise RuntimeError("this tokenizer has no model yet: call load(folder) first")
        for one in speech:
            yield kmeans.assign(mfcc(one.samples, self._hop), self._centroids)

    @property
    def _hop(self) -> int:
        return round(SAMPLE_RATE / self.rate)
