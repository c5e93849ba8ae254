"""A segmenter detects who speaks when; the base merges and cuts these spans into utterances.

SpeakerSpan(0.4, 3.1, "A"), SpeakerSpan(3.5, 9.0, "A"), SpeakerSpan(8.2, 44.0, "B")
->  SpeakerSpan(0.4, 9.0, "A"), SpeakerSpan(8.2, 44.0, "B")
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
    """Speech from `start` to `end` seconds of a recording; the speaker is empty where speakers were not told apart. In `overlap`
    seconds of it another voice speaks too, which has no span of its own there.
    """

    start: float
    end: float
    speaker: str = ""
    overlap: float = 0.0

    @property
    def seconds(self) -> float:
        return self.end - self.start


class Segmenter(Versioned):
    """All settings are seconds. Recordings up to `longest` stay whole, and those with a transcript up to `longest_transcript`.
    In longer ones, spans of one speaker are merged over pauses up to `gap`, to at most `longest_merged`. Then spans above `longest`
    are cut, and those below `shortest` are dropped. A supervision of the data may reach up to `slack` beyond its recording.
    """

    shortest: float = Field(default=0.3, gt=0)
    longest: float = Field(default=30.0, gt=1)
    longest_merged: float = Field(default=27.0, gt=0)
    gap: float = Field(default=2.0, ge=0)
    longest_transcript: float = Field(default=30.0, gt=1)
    slack: float = Field(default=0.1, ge=0, le=3600)

    @property
    def longest_labelled(self) -> float:
        """Seconds that an utterance with a transcript or fields may have, which cannot be cut."""
        return max(self.longest, self.longest_transcript)

    @property
    def resources(self) -> Resources:
        """CPUs, GPUs and memory of one worker."""
        return Resources()

    def setup(self) -> None:
        """Loads the model."""

    def version(self) -> str:
        raise NotImplementedError

    def speech(self, blocks: Iterable[np.ndarray]) -> list[SpeakerSpan]:
        """Spans of speech, by start. `blocks` are consecutive samples, float32 [n] at 16 kHz. Raises Unusable."""
        raise NotImplementedError

    def utterances(self, spans: Sequence[SpeakerSpan]) -> list[SpeakerSpan]:
        """The spans of utterances: merged, cut, and without the ones that are too short."""
        sized = cut(merge(spans, self.gap, min(self.longest_merged, self.longest)), self.longest)
        return [span for span in sized if span.seconds >= self.shortest]


def merge(spans: Sequence[SpeakerSpan], gap: float, longest: float) -> list[SpeakerSpan]:
    """Joins neighbours of one speaker, where the pause is at most `gap` seconds and the result at most `longest`."""
    merged: list[SpeakerSpan] = []
    for span in sorted(spans, key=lambda p: (p.start, p.end, p.speaker)):
        last = merged[-1] if merged else None
        joined = last and replace(last, end=max(last.end, span.end), overlap=last.overlap + span.overlap)
        if (
            last
            and joined
            and last.speaker == span.speaker
            and span.start - last.end <= gap
            and joined.seconds <= longest
        ):
            merged[-1] = joined
        else:
            merged.append(span)
    return merged


def cut(spans: Sequence[SpeakerSpan], longest: float) -> list[SpeakerSpan]:
    """Cuts spans above `longest` seconds into equal parts."""
    parts: list[SpeakerSpan] = []
    for span in spans:
        count = int(np.ceil(span.seconds / longest))
        bounds = np.linspace(span.start, span.end, count + 1).tolist()
        parts.extend(replace(span, start=a, end=b, overlap=span.overlap / count) for a, b in pairwise(bounds))
    return parts


def union(spans: Iterable[tuple[float, float]]) -> float:
    """Seconds that at least one of the (start, end) pairs covers.

    >>> union([(0.0, 2.0), (1.0, 3.0), (5.0, 6.0)])
    4.0
    """
    covered, reached = 0.0, float("-inf")
    for start, end in sorted(spans):
        covered += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return covered


def overlaps(spans: Sequence[SpeakerSpan]) -> list[float]:
    """The seconds of each span in which another span lies too; spans are sorted by start."""
    shared: list[list[tuple[float, float]]] = [[] for _ in spans]
    speaking: list[int] = []
    for number, span in enumerate(spans):
        speaking = [n for n in speaking if spans[n].end > span.start]
        for other in speaking:
            both = (span.start, min(span.end, spans[other].end))
            shared[number].append(both)
            shared[other].append(both)
        speaking.append(number)
    return [union(pairs) for pairs in shared]
