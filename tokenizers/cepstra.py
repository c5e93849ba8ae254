"""MFCC k-means units: the baseline that other units are compared with.

encode(samples[16000])  ->  ids 17 3 88 …, 25 frames
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field, PrivateAttr, field_validator

from weft.schemas.fingerprint import version_of
from weft.tokenizers.base import SAMPLE_RATE
from weft.tokenizers.features.mfcc import STEP, WIDTH, mfcc
from weft.tokenizers.models.learned import Learned
from weft.tokenizers.models.trained import TrainedTokenizer
from weft.tokenizers.stream import Speech

if TYPE_CHECKING:  # a recipe is checked without torch; whoever trains or encodes imports it
    from weft.tokenizers.training.loop import ResumableRun


class Tokenizer(TrainedTokenizer):
    """The nearest of `size` centroids of 13 cepstra with first and second differences, from at most `seconds` of speech."""

    rate: float = Field(default=25, gt=0, le=100)
    size: int = Field(default=100, ge=2)
    literal: str = "[Ce{}]"
    seconds: float = Field(default=3600, gt=0)

    _centroids: np.ndarray | None = PrivateAttr(None)

    @field_validator("rate")
    @classmethod
    def _rates(cls, rate: float) -> float:
        steps = SAMPLE_RATE / rate / STEP
        if abs(steps - round(steps)) > 1e-6:
            raise ValueError(f"the period of an MFCC unit is a multiple of 10 ms: {rate:g} Hz are not possible")
        return rate

    @property
    def training_seconds(self) -> float:
        return self.seconds

    def _learn(self, speech: Sequence[Speech], run: "ResumableRun") -> Learned:
        import torch

        from weft.tokenizers.models import kmeans

        features = np.concatenate([mfcc(one.samples, self._hop) for one in speech])
        return Learned(tensors={"centroids": torch.from_numpy(kmeans.fit(features, self.size, run.seed))})

    def _use(self, learned: Learned, folder: Path) -> None:
        self._centroids = learned.centroids(folder, self.size, WIDTH)

    @property
    def _decisive_settings(self) -> tuple[str, ...]:
        return ("rate",)

    def frames(self, n_samples: int) -> int:
        return n_samples // self._hop

    def version(self) -> str:
        return "+".join(
            ("cepstra-5", *(f"{backend}-{version_of(backend)}" for backend in ("transformers", "scipy", "torch")))
        )

    def _ids(self, speech: Sequence[Speech]) -> Iterator[np.ndarray]:
        from weft.tokenizers.models import kmeans

        if self._centroids is None:
            raise RuntimeError("this tokenizer has no model yet: call load(folder) first")
        for one in speech:
            yield kmeans.assign(mfcc(one.samples, self._hop), self._centroids)

    @property
    def _hop(self) -> int:
        return round(SAMPLE_RATE / self.rate)
