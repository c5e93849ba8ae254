"""Learns an acoustic model from utterances whose words were found roughly, in rounds, as MFA's first pass does.

rough words  ->  a label a frame  ->  a Gaussian a state  ->  better labels  ->  …  ->  four Gaussians a state

Each round fits the states to their frames and then finds every utterance's likeliest path anew. More rounds make the model
likelier and, past these, its boundaries no better: they follow the model's habits instead of the words.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from weft.pipelines.acoustic.features import HOP, Moments, levelled
from weft.pipelines.acoustic.mixtures import Mixtures
from weft.pipelines.acoustic.model import EVERYONE, AcousticModel
from weft.pipelines.acoustic.network import PAUSE, STATES, Network, TooShort, likeliest
from weft.pipelines.acoustic.phones import PhoneSet, Ways
from weft.schemas.learning import report_step

ROUNDS = (1, 1, 2, 2, 4, 4)  # Gaussians a state


@dataclass(frozen=True)
class TrainingClip:
    """One utterance: cepstra [frames, 13], its speaker, each word's pronunciations and rough place in seconds."""

    cepstra: np.ndarray
    speaker: str
    words: tuple[Ways, ...]
    places: tuple[tuple[float, float], ...]


def learn(heard: Sequence[TrainingClip]) -> AcousticModel:
    """The model of these utterances, the same for the same ones in the same order. Raises ValueError for none."""
    if not heard:
        raise ValueError("there is nothing to learn from")
    speakers = _speakers(heard)
    phones = PhoneSet.of(ways for h in heard for ways in h.words)
    networks = [Network.of([phones.numbered(ways) for ways in h.words]) for h in heard]
    frames = np.concatenate([levelled(h.cepstra, speakers[h.speaker]) for h in heard])
    utterances = np.split(frames, np.cumsum([len(h.cepstra) for h in heard])[:-1])
    labels = [_first_labels(h, phones) for h in heard]
    for number, components in enumerate(ROUNDS):
        report_step("rounds", number, len(ROUNDS))
        mixtures = Mixtures.fit(frames, np.concatenate(labels), STATES * len(phones.names), components)
        rows = zip(networks, utterances, labels, strict=True)
        labels = [_labels(network, mixtures, own, old) for network, own, old in rows]
    return AcousticModel(phones, mixtures, speakers)


def _speakers(heard: Sequence[TrainingClip]) -> dict[str, Moments]:
    moments: dict[str, list[Moments]] = {EVERYONE: []}
    for h in heard:
        for name in {EVERYONE, h.speaker}:
            moments.setdefault(name, []).append(Moments.of(h.cepstra))
    return {name: Moments.together(several) for name, several in moments.items()}


def _first_labels(heard: TrainingClip, phones: PhoneSet) -> np.ndarray:
    """The states of each word's first pronunciation spread evenly over its rough place, and pause everywhere else."""
    labels = np.full(len(heard.cepstra), PAUSE * STATES + STATES // 2)
    for ways, (start, end) in zip(heard.words, heard.places, strict=True):
        states = np.array([p * STATES + k for p in phones.numbered(ways)[0] for k in range(STATES)])
        here = labels[round(start / HOP) : round(end / HOP)]
        here[:] = states[np.arange(len(here)) * len(states) // max(1, len(here))]
    return labels


def _labels(network: Network, mixtures: Mixtures, frames: np.ndarray, old: np.ndarray) -> np.ndarray:
    """The emission of each frame on the likeliest path; audio too short for its words keeps the labels it had."""
    try:
        return network.emits[likeliest(network, mixtures.log_likelihoods(frames))]
    except TooShort:
        return old
