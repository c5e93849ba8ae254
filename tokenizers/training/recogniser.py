"""Trains a recogniser on speech with transcripts, by CTC over characters, with spans of time and of bands masked.

Speech(samples, text="And then.")  ->  a n d ␣ t h e n
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch.nn.functional import ctc_loss
from torch.nn.utils.rnn import pad_sequence

from weft.tokenizers.base import SAMPLE_RATE
from weft.tokenizers.features.mels import log_mels
from weft.tokenizers.models.recogniser import BANDS, Recogniser
from weft.tokenizers.stream import Speech
from weft.tokenizers.training.loop import ResumableRun, fit
from weft.tokenizers.training.recogniser_settings import RecogniserTraining

_MASKS = ((2, 30), (2, 12))  # the number of masked spans and the longest: in steps of 10 ms, and in bands


@dataclass(frozen=True)
class Lesson:
    """A clip to learn from: log-mels [steps, BANDS], the number of frames, and the characters as classes from 1 on."""

    mels: np.ndarray
    frames: int
    characters: tuple[int, ...]


def normalised_text(text: str) -> str:
    """Letters, digits and single spaces, in lower case.

    >>> normalised_text("And  then—so!")
    'and then so'
    """
    folded = unicodedata.normalize("NFKC", text).lower()
    return " ".join("".join(c if c.isalnum() or c == "'" else " " for c in folded).split())


def alphabet(speech: Sequence[Speech]) -> str:
    return "".join(sorted({c for one in speech for c in normalised_text(one.text)}))


def lessons_of(speech: Sequence[Speech], letters: str, hop: int, longest: float) -> list[Lesson]:
    """The clips of at most `longest` seconds that have a transcript. Raises ValueError where there are none."""
    numbers = {letter: n + 1 for n, letter in enumerate(letters)}
    lessons = []
    for one in speech:
        characters = tuple(numbers[c] for c in normalised_text(one.text))
        if characters and len(one.samples) <= longest * SAMPLE_RATE:
            mels = log_mels(one.samples, BANDS)
            lessons.append(Lesson(mels=mels, frames=len(one.samples) // hop, characters=characters))
    if not lessons:
        raise ValueError(
            f"none of the {len(speech)} clips has a transcript and at most {longest:g} s: give clips with both"
        )
    return lessons


def train(model: Recogniser, lessons: Sequence[Lesson], training: RecogniserTraining, run: ResumableRun) -> None:
    """The same for the same lessons in the same order."""
    model.set_scale([lesson.mels for lesson in lessons])
    loss = partial(_loss, model, lessons, training, run.seed)
    fit(model, loss, steps=training.steps, lr=training.lr, state=run.state("training"), adamw=training.adamw)


def _loss(
    model: Recogniser, lessons: Sequence[Lesson], training: RecogniserTraining, seed: int, step: int
) -> torch.Tensor:
    """CTC's loss, and `training.sound` times the error of the predicted log-mels."""
    rng = np.random.default_rng([seed, step])
    batch = _batch(lessons, training.batch_seconds, rng)
    mels = pad_sequence([torch.from_numpy(_masked(lesson.mels, rng)) for lesson in batch], batch_first=True)
    lengths = torch.tensor([lesson.frames for lesson in batch])
    log_probs, error = model(mels, lengths)
    targets = torch.tensor([c for lesson in batch for c in lesson.characters])
    counts = torch.tensor([len(lesson.characters) for lesson in batch])
    ctc = ctc_loss(log_probs.transpose(0, 1), targets, lengths * model.up, counts, zero_infinity=True)
    return ctc + training.sound * error


def _batch(lessons: Sequence[Lesson], seconds: float, rng: np.random.Generator) -> list[Lesson]:
    """Lessons of similar length, from a random one on, until they hold so many seconds; one at least."""
    order = np.argsort([len(lesson.mels) for lesson in lessons], kind="stable")
    batch: list[Lesson] = []
    for place in order[rng.integers(len(order)) :]:
        batch.append(lessons[place])
        if sum(len(lesson.mels) for lesson in batch) >= 100 * seconds:
            break
    return batch


def _masked(mels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Log-mels with random spans of time and of bands set to their mean (SpecAugment, arXiv 1904.08779, §2)."""
    out = mels.copy()
    for axis, (count, longest) in enumerate(_MASKS):
        for _ in range(count):
            length = int(rng.integers(0, min(longest, out.shape[axis] // 4) + 1))
            first = int(rng.integers(0, out.shape[axis] - length + 1))
            out[(slice(None),) * axis + (slice(first, first + length),)] = mels.mean()
    return out
