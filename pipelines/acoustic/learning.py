"""Trains an acoustic model on utterances with rough word times, in rounds, like MFA's first pass.

rough words  ->  a label a frame  ->  a Gaussian a state  ->  better labels  ->  …  ->  four Gaussians a state

Each round fits the states to their frames and then searches every utterance's likeliest path again. More rounds than these raise
the likelihood, but do not improve the boundaries.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from weft.pipelines.acoustic.features import HOP, Moments, levelled
from weft.pipelines.acoustic.mixtures import Mixtures
from weft.pipelines.acoustic.model import EVERYONE, AcousticModel
from weft.pipelines.acoustic.network import PAUSE, STATES, PronunciationNetwork, TooShort, likeliest
from weft.pipelines.acoustic.phones import PhoneSet, Pronunciations
from weft.schemas.learning import report_step

ROUNDS = (1, 1, 2, 2, 4, 4)  # Gaussians a state


@dataclass(frozen=True)
class TrainingClip:
    """One utterance: cepstra [frames, 13], its speaker, each word's pronunciations and rough place in seconds."""

    cepstra: np.ndarray
    speaker: str
    words: tuple[Pronunciations, ...]
    places: tuple[tuple[float, float], ...]


def learn(clips: Sequence[TrainingClip]) -> AcousticModel:
    """The model of these clips. The same clips in the same order give the same model. Raises ValueError for no clips."""
    if not clips:
        raise ValueError("there are no clips to train on")
    speakers = _speakers(clips)
    phones = PhoneSet.of(pronunciations for clip in clips for pronunciations in clip.words)
    networks = [
        PronunciationNetwork.of([phones.numbered(pronunciations) for pronunciations in clip.words]) for clip in clips
    ]
    frames = np.concatenate([levelled(clip.cepstra, speakers[clip.speaker]) for clip in clips])
    utterances = np.split(frames, np.cumsum([len(clip.cepstra) for clip in clips])[:-1])
    labels = [_first_labels(clip, phones) for clip in clips]
    for number, components in enumerate(ROUNDS):
        report_step("rounds", number, len(ROUNDS))
        mixtures = Mixtures.fit(frames, np.concatenate(labels), STATES * len(phones.names), components)
        rows = zip(networks, utterances, labels, strict=True)
        labels = [_labels(network, mixtures, own, old) for network, own, old in rows]
    return AcousticModel(phones=phones, mixtures=mixtures, speakers=speakers)


def _speakers(clips: Sequence[TrainingClip]) -> dict[str, Moments]:
    moments: dict[str, list[Moments]] = {EVERYONE: []}
    for clip in clips:
        for name in {EVERYONE, clip.speaker}:
            moments.setdefault(name, []).append(Moments.of(clip.cepstra))
    return {name: Moments.together(of_speaker) for name, of_speaker in moments.items()}


def _first_labels(clip: TrainingClip, phones: PhoneSet) -> np.ndarray:
    """Frame labels: each word's first pronunciation spread evenly over its rough place, pauses elsewhere."""
    labels = np.full(len(clip.cepstra), PAUSE * STATES + STATES // 2)
    for pronunciations, (start, end) in zip(clip.words, clip.places, strict=True):
        states = np.array([p * STATES + k for p in phones.numbered(pronunciations)[0] for k in range(STATES)])
        here = labels[round(start / HOP) : round(end / HOP)]
        here[:] = states[np.arange(len(here)) * len(states) // max(1, len(here))]
    return labels


def _labels(network: PronunciationNetwork, mixtures: Mixtures, frames: np.ndarray, old: np.ndarray) -> np.ndarray:
    """The emission of each frame on the likeliest path; `old` where the audio is too short for its words."""
    try:
        return network.emits[likeliest(network, mixtures.log_likelihoods(frames))]
    except TooShort:
        return old
