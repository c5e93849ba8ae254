"""Teaches a recogniser from speech with transcripts, by CTC over characters, with stretches of time and bands hidden.

Speech(samples, text="And then.")  ->  a n d ␣ t h e n
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import ctc_loss

from weft.tokenizers.base import SAMPLE_RATE
from weft.tokenizers.features.mels import log_mels
from weft.tokenizers.models.recogniser import BANDS, Recogniser
from weft.tokenizers.stream import Speech
from weft.tokenizers.training.loop import fit
from weft.tokenizers.training.recogniser_settings import Training

_HIDDEN = ((2, 30), (2, 12))  # how many stretches are hidden, and how long at most: of steps, and of bands


@dataclass(frozen=True)
class Lesson:
    """Log-mels [steps, BANDS], how many frames there are, and the characters, as classes from 1 on."""

    mels: np.ndarray
    frames: int
    characters: tuple[int, ...]


def spelt(text: str) -> str:
    """Letters, digits and single spaces, in lower case.

    >>> spelt("And  then—so!")
    'and then so'
    """
    folded = unicodedata.normalize("NFKC", text).lower()
    return " ".join("".join(c if c.isalnum() or c == "'" else " " for c in folded).split())


def alphabet(speech: Sequence[Speech]) -> str:
    return "".join(sorted({c for one in speech for c in spelt(one.text)}))


def lessons(speech: Sequence[Speech], letters: str, hop: int, longest: float) -> list[Lesson]:
    """Raises ValueError where there are none."""
    numbers = {letter: n + 1 for n, letter in enumerate(letters)}
    told = [
        (one, tuple(numbers[c] for c in spelt(one.text))) for one in speech if len(one.samples) <= longest * SAMPLE_RATE
    ]
    made = [Lesson(log_mels(one.samples, BANDS), len(one.samples) // hop, said) for one, said in told if said]
    if not made:
        raise ValueError(
            f"none of the {len(speech)} clips has a transcript and at most {longest:g} s: it learns from those"
        )
    return made


def teach(learner: Recogniser, given: Sequence[Lesson], training: Training, seed: int, state: Path) -> None:
    """The same for the same lessons in the same order."""
    every = np.concatenate([lesson.mels for lesson in given])
    learner.centre.copy_(torch.from_numpy(every.mean(0)))
    learner.scale.copy_(torch.from_numpy(every.std(0) + 1e-3))
    fit(learner, partial(_loss, learner, given, training, seed), training.steps, training.lr, state)


def _loss(learner: Recogniser, given: Sequence[Lesson], training: Training, seed: int, step: int) -> torch.Tensor:
    rng = np.random.default_rng([seed, step])
    chosen = _drawn(given, training.batch_seconds, rng)
    mels = torch.nn.utils.rnn.pad_sequence(
        [torch.from_numpy(_hidden(lesson.mels, rng)) for lesson in chosen], batch_first=True
    )
    lengths = torch.tensor([lesson.frames for lesson in chosen])
    log_probs, far = learner(mels, lengths)
    targets = torch.tensor([c for lesson in chosen for c in lesson.characters])
    counts = torch.tensor([len(lesson.characters) for lesson in chosen])
    read = ctc_loss(log_probs.transpose(0, 1), targets, lengths * learner.up, counts, zero_infinity=True)
    return read + training.sound * far


def _drawn(given: Sequence[Lesson], seconds: float, rng: np.random.Generator) -> list[Lesson]:
    """Lessons of like length, from a random one on, of so many seconds and one at least."""
    order = np.argsort([len(lesson.mels) for lesson in given], kind="stable")
    chosen: list[Lesson] = []
    for place in order[rng.integers(len(order)) :]:
        chosen.append(given[place])
        if sum(len(lesson.mels) for lesson in chosen) >= 100 * seconds:
            break
    return chosen


def _hidden(mels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """With stretches of it at their mean."""
    out = mels.copy()
    for axis, (count, most) in enumerate(_HIDDEN):
        for _ in range(count):
            length = int(rng.integers(0, min(most, out.shape[axis] // 4) + 1))
            first = int(rng.integers(0, out.shape[axis] - length + 1))
            out[(slice(None),) * axis + (slice(first, first + length),)] = mels.mean()
    return out
