"""Streams of several codebooks as one, and back. Pure functions over ids.

by time    St 10               Pi 0    14      Hu 28 22    15       Spirit LM Expressive (§2.3): sorted by when each begins,
           -> St10 Pi0 Hu28 Hu22 Pi14 Hu15                          ties in the order of the streams
in groups  first 1 2  3 4  (5)     second 9 8 7  6 5 4              Step-Audio-AQAA (§3.1): two of the first, three of the second,
           -> 1 2 9 8 7  3 4 6 5 4                                  what makes no whole group is dropped
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

import numpy as np

from weft.tokenizers.stream import Stream


@dataclass(frozen=True, slots=True, eq=False)
class Merged:
    """Tokens in one order: `streams` int32 [n] says which stream each is of, `ids` int32 [n] its id there, `starts` float64 [n]
    when it begins, in seconds.
    """

    streams: np.ndarray
    ids: np.ndarray
    starts: np.ndarray


def by_time(streams: Sequence[Stream]) -> Merged:
    """All tokens by when they begin; of those that begin at once, the earlier stream's goes first."""
    rates = [_exact(stream.rate) for stream in streams]
    ticks = lcm(*(rate.numerator for rate in rates))  # a second, so that no two moments differ by rounding
    begins = [s.begins * int(ticks / rate) for s, rate in zip(streams, rates, strict=True)]
    places = np.repeat(np.arange(len(streams), dtype=np.int32), [len(s.ids) for s in streams])
    moments = np.concatenate(begins)
    order = np.lexsort((places, moments))
    ids = np.concatenate([s.ids for s in streams])
    return Merged(places[order], ids[order].astype(np.int32), moments[order] / ticks)


def apart(merged: Merged, count: int) -> list[np.ndarray]:
    """The ids int32 [n] of each of `count` streams again, in order; how long each lasted is not in a merged stream."""
    return [merged.ids[merged.streams == stream] for stream in range(count)]


def in_groups(first: np.ndarray, second: np.ndarray, sizes: tuple[int, int] = (2, 3)) -> np.ndarray:
    """Ids [groups * (a + b)]: `a` of the first, then `b` of the second, for as many whole groups as both hold."""
    a, b = sizes
    groups = min(len(first) // a, len(second) // b)
    parts = first[: groups * a].reshape(groups, a), second[: groups * b].reshape(groups, b)
    return np.concatenate(parts, axis=1).reshape(-1)


def from_groups(ids: np.ndarray, sizes: tuple[int, int] = (2, 3)) -> tuple[np.ndarray, np.ndarray]:
    """Both streams again, without what was dropped. Raises ValueError for what are no whole groups."""
    a, b = sizes
    if len(ids) % (a + b):
        raise ValueError(f"{len(ids)} ids are no whole groups of {a} and {b}")
    groups = ids.reshape(-1, a + b)
    return groups[:, :a].reshape(-1), groups[:, a:].reshape(-1)


def _exact(rate: float) -> Fraction:
    """12.5 as 25/2, and 16.67 Hz, which is a frame every 60 ms, as 50/3."""
    return Fraction(rate).limit_denominator(100)
