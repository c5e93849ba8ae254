"""Lays phones over an utterance with a learned model.

locate(model, cepstra, "s1", [(("AH",), ("EY",)), (("K", "AE", "T"),)])
->  Place("", -1, 0.0, 0.21, 0.0), Place("AH", 0, 0.21, 0.27, -1.3), Place("K", 1, 0.27, 0.36, -0.8), …
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from weft.pipelines.acoustic.chain import crossings
from weft.pipelines.acoustic.features import HOP
from weft.pipelines.acoustic.learning import Ways
from weft.pipelines.acoustic.model import AcousticModel
from weft.pipelines.acoustic.network import PAUSE, STATES, Network, likeliest

_DOUBT = 0.1  # neighbouring frames say much the same: each counts for a tenth of one
_STRETCH = 1000, 3000  # frames whose edges are found together: at least so many up to a pause, at most so many


@dataclass(frozen=True, slots=True)
class Place:
    """A phone, or a pause (word -1), in seconds. `score` is nats a frame below the best sound there; 0 is a perfect fit."""

    phone: str
    word: int
    start: float
    end: float
    score: float


def locate(model: AcousticModel, scores: np.ndarray, words: Sequence[Ways]) -> list[Place]:
    """The phones and pauses from 0 to the end; `scores` are the model's for the utterance, [frames, emissions].

    Raises ValueError for audio too short for the words, or sounds the model never heard.
    """
    network = _network(model, words)
    path = likeliest(network, scores)
    entered = np.flatnonzero(np.diff(path, prepend=-1))  # the frame where each state of the chain begins
    chain = path[entered]
    edges = (_edges(scores, network.emits[chain], entered) + 0.5) * HOP
    firsts = chain[::STATES]  # no state is ever passed over
    bounds = [*edges[::STATES].tolist(), len(scores) * HOP]
    phones = [model.phones[emit // STATES] for emit in network.emits[firsts]]
    fits = np.add.reduceat(_fits(network, path, scores), entered[::STATES]) / np.diff(
        entered[::STATES], append=len(path)
    )
    columns = phones, network.words[firsts].tolist(), bounds[:-1], bounds[1:], fits.tolist()
    return [Place(*place) for place in zip(*columns, strict=True)]


def fit(model: AcousticModel, scores: np.ndarray, words: Sequence[Ways]) -> float:
    """The mean score of the frames that are speech, as `Place` has it; -inf where the audio does not hold the words."""
    network = _network(model, words)
    try:
        path = likeliest(network, scores)
    except ValueError:
        return -np.inf
    return float(_fits(network, path, scores)[network.words[path] >= 0].mean())


def _network(model: AcousticModel, words: Sequence[Ways]) -> Network:
    known = [[model.numbered(way) for way in ways if model.knows(way)] for ways in words]
    if not all(known):
        raise ValueError("a word of sounds that were never heard")
    return Network.of(known)


def _fits(network: Network, path: np.ndarray, scores: np.ndarray) -> np.ndarray:
    return np.asarray(scores[np.arange(len(path)), network.emits[path]] - scores.max(1))


def _edges(scores: np.ndarray, emits: np.ndarray, entered: np.ndarray) -> np.ndarray:
    """When each state of a chain begins, in frames with fractions, found stretch by stretch."""
    out = []
    for first, last in _stretches(emits, entered, len(scores)):
        frames = slice(entered[first], entered[last] if last < len(entered) else None)
        out.append(entered[first] + crossings(_DOUBT * scores[frames, emits[first:last]]))
    return np.concatenate(out)


def _stretches(emits: np.ndarray, entered: np.ndarray, frames: int) -> Iterator[tuple[int, int]]:
    """First and last state (exclusive) of stretches that begin in the middle of a pause, where nothing is at stake."""
    first = 0
    for state in range(1, len(emits)):
        length = entered[state] - entered[first]
        if length >= _STRETCH[1] or (length >= _STRETCH[0] and emits[state] == PAUSE * STATES + STATES // 2):
            yield first, state
            first = state
    yield first, len(emits)
