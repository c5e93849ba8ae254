"""Moves the edges of words at pauses by loudness, because an acoustic model is least exact there.

A model counts some of the silence around a word as its first or last phone. The edge is moved halfway to the moment where the level
passes 30 % of the range from the pause's level to the word's peak, in decibels. Their errors are independent, so the mean errs less.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from weft.schemas.audio import Word

_RATE, _HOP, _WINDOW = 16_000, 40, 160  # samples: a level every 2.5 ms, over 10 ms
_PAUSE = 0.03  # seconds; words closer than this have no pause between them
_PART = 0.3
_OUT, _IN = 0.05, 0.08  # seconds before and after the edge that are searched, out of the word and into it
_PEAK = 0.15  # seconds of the word in which its peak is searched


def at_edges(samples: np.ndarray, words: Sequence[Word]) -> list[Word]:
    """The words [in seconds, in order] with edges at pauses moved; an edge between touching words is kept."""
    if not words or len(samples) < _WINDOW:
        return list(words)
    level = _level(samples)
    quiet = _quiet(level, words)
    out = list(words)
    befores = [0.0, *(w.end for w in words[:-1])]
    afters = [*(w.start for w in words[1:]), len(samples) / _RATE]
    for n, (word, before, after) in enumerate(zip(words, befores, afters, strict=True)):
        start, end = word.start, word.end
        if n == 0 or start - before > _PAUSE:
            start = (start + _onset(level, quiet, max(before + 0.01, start - _OUT), word)) / 2
        if n == len(words) - 1 or after - end > _PAUSE:
            end = (end + _offset(level, quiet, min(after - 0.01, end + _OUT), word)) / 2
        out[n] = replace(word, start=start, end=max(start, end))
    return out


def _level(samples: np.ndarray) -> np.ndarray:
    """Level in decibels after pre-emphasis, every 2.5 ms: [n // 40 + 1]."""
    sharp = np.append(samples[:1], samples[1:] - 0.97 * samples[:-1]).astype(np.float64)
    padded = np.pad(sharp, (_WINDOW // 2, _WINDOW // 2 + _HOP))
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP][: len(samples) // _HOP + 1]
    return 10 * np.log10((windows**2) @ np.hanning(_WINDOW) ** 2 + 1e-9)


def _at(seconds: float) -> int:
    return max(0, int(seconds * _RATE / _HOP))


def _quiet(level: np.ndarray, words: Sequence[Word]) -> float:
    """The level of pauses in decibels: the median between words, 20 ms away from them, else the 5th percentile."""
    between = np.ones(len(level), bool)
    for word in words:
        between[_at(word.start - 0.02) : _at(word.end + 0.02)] = False
    return float(np.median(level[between]) if between.sum() > 20 else np.percentile(level, 5))


def _onset(level: np.ndarray, quiet: float, earliest: float, word: Word) -> float:
    """The first moment that is loud enough, from `earliest` on; the word's own start where none is."""
    low, high = _at(earliest), _at(min(word.start + _IN, word.end)) + 1
    loud = _loud(level, quiet, low, high, word_low=_at(word.start), word_high=_at(word.start + _PEAK) + 1)
    return (low + loud[0]) * _HOP / _RATE if len(loud) else word.start


def _offset(level: np.ndarray, quiet: float, latest: float, word: Word) -> float:
    """The last moment that is loud enough, up to `latest`; the word's own end where none is."""
    low, high = _at(max(word.end - _IN, word.start)), _at(latest) + 1
    loud = _loud(level, quiet, low, high, word_low=_at(word.end - _PEAK), word_high=_at(word.end) + 1)
    return (low + loud[-1] + 1) * _HOP / _RATE if len(loud) else word.end


def _loud(level: np.ndarray, quiet: float, low: int, high: int, word_low: int, word_high: int) -> np.ndarray:
    """Which of `low` to `high` are louder than part of the way to the peak of the word's side of the edge."""
    peak = level[word_low:word_high].max(initial=quiet)
    return np.flatnonzero(level[low:high] >= quiet + _PART * (peak - quiet))
