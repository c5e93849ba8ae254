"""A segmenter finds speech; the base merges and cuts what it finds into utterances.

[(0.4, 3.1), (3.5, 9.0), (40.2, 44.0)]  ->  [(0.4, 9.0), (40.2, 44.0)]
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from pydantic import Field

from weft.schemas.settings import Settings

Span = tuple[float, float]


class Segmenter(Settings):
    """Seconds: recordings up to `longest` stay whole; pieces merge over gaps up to `gap` while they stay below `longest`."""

    shortest: float = Field(default=0.3, gt=0)
    longest: float = Field(default=30.0, gt=1)
    gap: float = Field(default=0.6, ge=0)

    def setup(self) -> None:
        """Loads the model."""

    def version(self) -> str:
        raise NotImplementedError

    def speech(self, blocks: Iterable[np.ndarray]) -> list[Span]:
        """Where speech is, in seconds, in order; `blocks` are float32 (n,) at 16 kHz that follow one another."""
        raise NotImplementedError


def merge(spans: Sequence[Span], gap: float, longest: float) -> list[Span]:
    """Neighbours joined over pauses up to `gap` seconds while the whole stays within `longest` seconds."""
    merged: list[Span] = []
    for begin, end in spans:
        if merged and begin - merged[-1][1] <= gap and end - merged[-1][0] <= longest:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((begin, end))
    return merged


def cut(spans: Sequence[Span], longest: float) -> list[Span]:
    """Spans above `longest` seconds in equal pieces."""
    pieces: list[Span] = []
    for begin, end in spans:
        count = int(np.ceil((end - begin) / longest))
        bounds = np.linspace(begin, end, count + 1).tolist()
        pieces.extend(pairwise(bounds))
    return pieces
