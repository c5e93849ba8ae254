"""Aligns phones with an utterance by a trained model.

aligned = align_phones(model, scores, [[(1,), (2,)], [(5, 3, 7)]])          "a cat": AH or EY, then K AE T, as numbers of phones
aligned.fit       ->  -1.1
aligned.places()    ->  Place("", -1, 0.0, 0.21, 0.0), Place("AH", 0, 0.21, 0.27, -1.3), Place("K", 1, 0.27, 0.36, -0.8), …
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from weft.pipelines.acoustic.chain import crossings
from weft.pipelines.acoustic.features import HOP
from weft.pipelines.acoustic.model import AcousticModel
from weft.pipelines.acoustic.network import PAUSE, STATES, PhoneNumbers, PronunciationNetwork, likeliest

_DOUBT = 0.1  # neighbouring frames are correlated: each log-likelihood counts for a tenth
_STRETCH = 1000, 3000  # least and most frames whose edges are computed together; a stretch ends at a pause if it can


@dataclass(frozen=True, slots=True)
class Place:
    """A phone, or a pause (word -1), in seconds. `score` is nats a frame below the best sound there; 0 is a perfect fit."""

    phone: str
    word: int
    start: float
    end: float
    score: float


@dataclass(frozen=True, slots=True)
class PhonePath:
    """The likeliest path through the network of an utterance's words: a state of it for each frame."""

    model: AcousticModel
    network: PronunciationNetwork
    scores: np.ndarray
    path: np.ndarray

    @property
    def fit(self) -> float:
        """The mean score of the frames of speech; the unit is that of `Place.score`."""
        return float(self._fits()[self.network.words[self.path] >= 0].mean())

    def places(self) -> list[Place]:
        """The phones and pauses, which cover the utterance without gaps."""
        entered = np.flatnonzero(np.diff(self.path, prepend=-1))  # the frame where each state of the chain begins
        chain = self.path[entered]
        edges = (_edges(self.scores, self.network.emits[chain], entered) + 0.5) * HOP
        firsts, begun = chain[::STATES], entered[::STATES]  # of a phone: a path skips no state
        bounds = [*edges[::STATES].tolist(), len(self.scores) * HOP]
        phones = [self.model.phones.names[emit // STATES] for emit in self.network.emits[firsts]]
        fits = np.add.reduceat(self._fits(), begun) / np.diff(begun, append=len(self.path))
        columns = phones, self.network.words[firsts].tolist(), bounds[:-1], bounds[1:], fits.tolist()
        rows = zip(*columns, strict=True)
        return [Place(phone=p, word=w, start=a, end=b, score=s) for p, w, a, b, s in rows]

    def _fits(self) -> np.ndarray:
        own = self.scores[np.arange(len(self.path)), self.network.emits[self.path]]
        return np.asarray(own - self.scores.max(1))


def align_phones(model: AcousticModel, scores: np.ndarray, words: Sequence[Sequence[PhoneNumbers]]) -> PhonePath:
    """Aligns the pronunciations of `words` with `scores`, the model's log-likelihoods of the utterance [frames, emissions].

    Raises TooShort where the audio has fewer frames than the words have states.
    """
    network = PronunciationNetwork.of(words)
    return PhonePath(model=model, network=network, scores=scores, path=likeliest(network, scores))


def _edges(scores: np.ndarray, emits: np.ndarray, entered: np.ndarray) -> np.ndarray:
    """When each state of a chain begins, in frames with fractions, computed stretch by stretch."""
    out = []
    for first, last in _stretches(emits, entered):
        frames = slice(entered[first], entered[last] if last < len(entered) else None)
        out.append(entered[first] + crossings(_DOUBT * scores[frames, emits[first:last]]))
    return np.concatenate(out)


def _stretches(emits: np.ndarray, entered: np.ndarray) -> Iterator[tuple[int, int]]:
    """First and last state (exclusive) of stretches that begin in the middle of a pause, where an exact edge does not matter."""
    first = 0
    for state in range(1, len(emits)):
        length = entered[state] - entered[first]
        if length >= _STRETCH[1] or (length >= _STRETCH[0] and emits[state] == PAUSE * STATES + STATES // 2):
            yield first, state
            first = state
    yield first, len(emits)
