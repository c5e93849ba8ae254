"""Streams of several tokenizers as one, and back. Pure functions over ids.

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
    """Tokens in one order: `which` int8 [n] says which stream each is of, `ids` int32 [n] its id there, `starts` int64 [n] the tick it
    begins with. A second has `rate` ticks, all of them last `ticks`.
    """

    rate: int
    ticks: int
    which: np.ndarray
    ids: np.ndarray
    starts: np.ndarray


def by_time(streams: Sequence[Stream]) -> Merged:
    """All tokens by when they begin; of those that begin together, the earlier stream's goes first."""
    rate, steps = ticks_of([stream.rate for stream in streams])
    starts = np.concatenate([stream.begins * step for stream, step in zip(streams, steps, strict=True)])
    which = np.repeat(np.arange(len(streams), dtype=np.int8), [len(s.ids) for s in streams])
    order = np.lexsort((which, starts))
    return Merged(
        rate=rate,
        ticks=max(int(s.durations.sum()) * step for s, step in zip(streams, steps, strict=True)),
        which=which[order],
        ids=np.concatenate([s.ids for s in streams])[order].astype(np.int32),
        starts=starts[order],
    )


def in_groups(streams: Sequence[Stream], sizes: Sequence[int]) -> Merged:
    """Groups of `sizes[n]` ids of stream n, for as many whole groups as all streams hold. The ids of a group begin together.

    Streams keep repeated ids, and a group lasts equally long in each: `check_groups` says whether it does.
    """
    rate, steps = ticks_of([stream.rate for stream in streams])
    groups = min(len(stream.ids) // size for stream, size in zip(streams, sizes, strict=True))
    tables = [s.ids[: groups * size].reshape(groups, size) for s, size in zip(streams, sizes, strict=True)]
    duration = sizes[0] * steps[0]
    return Merged(
        rate=rate,
        ticks=groups * duration,
        which=np.tile(np.repeat(np.arange(len(streams), dtype=np.int8), sizes), groups),
        ids=np.concatenate(tables, axis=1).reshape(-1).astype(np.int32),
        starts=np.repeat(np.arange(groups, dtype=np.int64) * duration, sum(sizes)),
    )


def check_groups(rates: Sequence[float], sizes: Sequence[int]) -> None:
    """Raises ValueError where `sizes[n]` ids at `rates[n]` Hz do not last equally long."""
    durations = [size / _exact(rate) for rate, size in zip(rates, sizes, strict=True)]
    if len(set(durations)) > 1:
        seconds = ", ".join(f"{float(duration):.3f}" for duration in durations)
        raise ValueError(f"groups would hold {seconds} s of the streams, which drift apart")


def apart(merged: Merged, count: int) -> list[np.ndarray]:
    """The ids int32 [n] of each of `count` streams again, in order, without what groups dropped."""
    return [merged.ids[merged.which == stream] for stream in range(count)]


def ticks_of(rates: Sequence[float]) -> tuple[int, list[int]]:
    """Ticks a second, so that a frame of every rate (Hz) lasts whole ticks, and how many it lasts of each."""
    exact = [_exact(rate) for rate in rates]
    ticks = lcm(*(rate.numerator for rate in exact))
    return ticks, [int(ticks / rate) for rate in exact]


def _exact(rate: float) -> Fraction:
    """12.5 as 25/2, and 16.67 Hz, which is a frame every 60 ms, as 50/3."""
    return Fraction(rate).limit_denominator(100)
