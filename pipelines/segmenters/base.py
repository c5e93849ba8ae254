"""A segmenter finds who speaks when; the base merges and cuts what it finds into utterances.

Piece(0.4, 3.1, "A"), Piece(3.5, 9.0, "A"), Piece(8.2, 44.0, "B")  ->  Piece(0.4, 9.0, "A"), Piece(8.2, 44.0, "B")
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from pydantic import Field

from weft.schemas.resources import Resources
from weft.schemas.settings import Versioned


@dataclass(frozen=True, slots=True)
class SpeakerSpan:
    """Speech from `start` to `end` seconds of a recording; the speaker is empty where nobody told them apart. In `overlap`
    seconds of it another voice, that has no piece of its own there, is heard too.
    """

    start: float
    end: float
    speaker: str = ""
    overlap: float = 0.0

    @property
    def seconds(self) -> float:
        return self.end - self.start


class Segmenter(Versioned):
    """Seconds. Recordings up to `longest` stay whole, and those with a transcript up to `transcript`. In longer ones, pieces of
    one speaker merge over pauses up to `gap` while they stay within `merged`, and none is longer than `longest` or shorter than
    `shortest`.
    """

    shortest: float = Field(default=0.3, gt=0)
    longest: float = Field(default=30.0, gt=1)
    merged: float = Field(default=27.0, gt=0)
    gap: float = Field(default=2.0, ge=0)
    transcript: float = Field(default=30.0, gt=1)

    @property
    def resources(self) -> Resources:
        """What one worker holds."""
        return Resources()

    def setup(self) -> None:
        """Loads the model."""

    def version(self) -> str:
        raise NotImplementedError

    def speech(self, blocks: Iterable[np.ndarray]) -> list[SpeakerSpan]:
        """Who speaks when, by start; `blocks` are float32 (n,) at 16 kHz that follow one another. Raises Unusable."""
        raise NotImplementedError

    def utterances(self, pieces: Sequence[SpeakerSpan]) -> list[SpeakerSpan]:
        """What is made of pieces: merged, cut, the shortest left out."""
        whole = cut(merge(pieces, self.gap, min(self.merged, self.longest)), self.longest)
        return [piece for piece in whole if piece.seconds >= self.shortest]


def merge(pieces: Sequence[SpeakerSpan], gap: float, longest: float) -> list[SpeakerSpan]:
    """Neighbours joined while the speaker stays, the pause is at most `gap` seconds and the whole at most `longest`."""
    merged: list[SpeakerSpan] = []
    for piece in sorted(pieces, key=lambda p: (p.start, p.end, p.speaker)):
        last = merged[-1] if merged else None
        joined = last and replace(last, end=max(last.end, piece.end), overlap=last.overlap + piece.overlap)
        if (
            last
            and joined
            and last.speaker == piece.speaker
            and piece.start - last.end <= gap
            and joined.seconds <= longest
        ):
            merged[-1] = joined
        else:
            merged.append(piece)
    return merged


def cut(pieces: Sequence[SpeakerSpan], longest: float) -> list[SpeakerSpan]:
    """Pieces above `longest` seconds in equal parts."""
    parts: list[SpeakerSpan] = []
    for piece in pieces:
        count = int(np.ceil(piece.seconds / longest))
        bounds = np.linspace(piece.start, piece.end, count + 1).tolist()
        parts.extend(replace(piece, start=a, end=b, overlap=piece.overlap / count) for a, b in pairwise(bounds))
    return parts


def union(pieces: Iterable[tuple[float, float]]) -> float:
    """Seconds that at least one of the stretches covers.

    >>> union([(0.0, 2.0), (1.0, 3.0), (5.0, 6.0)])
    4.0
    """
    covered, reached = 0.0, float("-inf")
    for start, end in sorted(pieces):
        covered += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return covered


def overlaps(pieces: Sequence[SpeakerSpan]) -> list[float]:
    """For each of the pieces, given by start, the seconds in which another speaks too."""
    shared: list[list[tuple[float, float]]] = [[] for _ in pieces]
    speaking: list[int] = []
    for number, piece in enumerate(pieces):
        speaking = [n for n in speaking if pieces[n].end > piece.start]
        for other in speaking:
            both = (piece.start, min(piece.end, pieces[other].end))
            shared[number].append(both)
            shared[other].append(both)
        speaking.append(number)
    return [union(some) for some in shared]
