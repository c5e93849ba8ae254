"""Supervised semantic codes, trained here: a recogniser with a finite scalar quantizer between its blocks (CosyVoice 2's design).

Tokenizer(rate=25, levels=(3,) * 8)     6,561 codes, as Step-Audio 2's audio tokens
encode(samples[16000])  ->  ids 4218 4218 1207 …, 25 frames
"""

from collections.abc import Iterator, Sequence
from math import prod
from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import field_validator, model_validator

from weft.tokenizers.models.supervised import Supervised
from weft.tokenizers.stream import Speech

if TYPE_CHECKING:
    from torch import nn


class Tokenizer(Supervised):
    """The product of `levels` is `size`; the quantizer lies after the first half of the blocks."""

    rate: float = 25
    size: int = 6561
    literal: str = "<audio_{}>"
    dedup: bool = False
    levels: tuple[int, ...] = (3,) * 8

    @field_validator("rate")
    @classmethod
    def _rates(cls, rate: float) -> float:
        if rate not in (12.5, 25):
            raise ValueError(f"fsq codes come at 12.5 or 25 Hz, not {rate:g}")
        return rate

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        if min(self.levels, default=0) < 2 or prod(self.levels) != self.size:
            raise ValueError(f"`levels` {list(self.levels)} make {prod(self.levels)} codes, but `size` is {self.size}")
        return self

    @property
    def _blocks(self) -> tuple[int, int]:
        return self.training.layers - self.training.layers // 2, self.training.layers // 2

    @property
    def _decisive_settings(self) -> tuple[str, ...]:
        return (*super()._decisive_settings, "levels")

    def _bottleneck(self) -> "nn.Module":
        from weft.tokenizers.models.finite_scalar import FiniteScalarQuantizer

        return FiniteScalarQuantizer(self.training.width, self.levels)

    def _ids(self, speech: Sequence[Speech]) -> Iterator[np.ndarray]:
        return (ids.astype(np.int32) for ids in self._infer(speech, self._ready().codes))
