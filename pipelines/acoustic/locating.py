"""Lays phones over an utterance with a learned model.

locate(model, cepstra, "s1", [(("AH",), ("EY",)), (("K", "AE", "T"),)])
->  Place("", -1, 0.0, 0.21), Place("AH", 0, 0.21, 0.27), Place("K", 1, 0.27, 0.36), …
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from weft.pipelines.acoustic.chain import STATES, Network, crossings, likeliest
from weft.pipelines.acoustic.features import HOP, levelled
from weft.pipelines.acoustic.learning import Ways, scores_of
from weft.pipelines.acoustic.model import AcousticModel

_DOUBT = 0.1  # neighbouring frames say much the same: each counts for a tenth of one


@dataclass(frozen=True, slots=True)
class Place:
    """A phone, or a pause (word -1), in seconds."""

    phone: str
    word: int
    start: float
    end: float


def locate(model: AcousticModel, cepstra: np.ndarray, speaker: str, words: Sequence[Ways]) -> list[Place]:
    """The phones and pauses from 0 to the end. Raises ValueError for audio too short, or sounds the model never heard."""
    known = [[model.numbered(way) for way in ways if model.knows(way)] for ways in words]
    if not all(known):
        raise ValueError("a word of sounds that were never heard")
    frames = levelled(cepstra, model.speaker(speaker))
    network = Network.of(known)
    path = likeliest(network, scores_of(model.mixtures, frames, network.emits))
    chain = path[np.flatnonzero(np.diff(path, prepend=-1))]
    edges = (crossings(_DOUBT * scores_of(model.mixtures, frames, network.emits[chain])) + 0.5) * HOP
    firsts = chain[::STATES]  # no state is ever passed over
    bounds = np.append(edges[::STATES], len(frames) * HOP)
    phones = [model.phones[emit // STATES] for emit in network.emits[firsts]]
    return [
        Place(*place)
        for place in zip(phones, network.words[firsts].tolist(), bounds.tolist(), bounds[1:].tolist(), strict=False)
    ]
