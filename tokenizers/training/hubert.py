"""HuBERT on a small corpus: from log-mels tell the cluster of each frame, and that of frames that were hidden.

    stream    log-mels [4 n, 80]   5 5 5 9 9 2 2 …   the teacher's cluster of each of n frames
    hidden                         . . # # # # .     about half of the frames, in spans of 0.2 s
    loss: cross entropy of the clusters at #, plus `visible` times that at .

Hsu et al. 2021 (arXiv 2106.07447), §II-B, in one iteration or more, and then swapped_prediction.py. Two things make an hour enough
where HuBERT took days: visible frames count as well (their α below 1), and each clip is augmented with other vocal tracts and noise
(augmentation.py) while the teacher gets it as it is, so that the speaker does not matter.
"""

import copy
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from torch.nn.utils.parametrize import is_parametrized

from weft.tokenizers.features.augmentation import Augmentation
from weft.tokenizers.features.crops import Crops
from weft.tokenizers.features.mfcc import RATE, mfcc
from weft.tokenizers.models import kmeans
from weft.tokenizers.models.checkpoint import cut
from weft.tokenizers.models.layers import in_windows
from weft.tokenizers.models.mel_hubert import MelHubert, small_config
from weft.tokenizers.training.hubert_settings import Training
from weft.tokenizers.training.loop import fit, seeded
from weft.tokenizers.training.swapped_prediction import SwappedPrediction

SPAN_SECONDS = 0.2
_GENTLY = 0.6  # of the rate, where a model that knows something goes on
_NOBODY = -100  # what cross entropy passes over


def train(clips: Sequence[np.ndarray], training: Training, rate: float, seed: int, kept: Path) -> MelHubert:
    """A model; the same for the same clips, seed and number of torch threads. `kept` is a folder for what makes it go on where it was
    broken off.

    Raises ValueError when the clips hold too little speech for the teacher's clusters.
    """
    hop = round(RATE / rate)
    rows = max(1, round(training.batch_seconds / training.crop_seconds))
    crops = Crops.of(clips, hop, rows, max(1, round(training.crop_seconds * rate)))
    features = [mfcc(clip, hop) for clip in clips]
    for iteration in range(training.iterations):
        learner = _Learner.fresh(training, hop, seed)
        teacher = _teacher(features, training.clusters, seed)
        loss = partial(_loss, learner, crops, teacher, training, max(1, round(SPAN_SECONDS * rate)), seed)
        fit(learner, loss, training.steps, training.lr, kept / f"iteration-{iteration}.safetensors")
        if iteration + 1 < training.iterations:
            features = _outputs(learner.model, clips, max(1, training.layers // 2))
    if training.swaps:
        states = np.concatenate(_outputs(learner.model, clips, training.layers))
        swapped_prediction = SwappedPrediction.of(learner.model, states, training.prototypes, seed)
        swap = partial(_swap, swapped_prediction, crops, _hearings(training), seed)
        fit(swapped_prediction, swap, training.swaps, _GENTLY * training.lr, kept / "swapped.safetensors")
    return learner.model


class _Learner(torch.nn.Module):
    """The model, and what tells clusters from its last states."""

    def __init__(self, training: Training, hop: int) -> None:
        super().__init__()
        self.model = MelHubert(small_config(training.hidden, training.layers, training.heads, hop))
        self.head = torch.nn.Linear(training.hidden, training.clusters)

    @classmethod
    def fresh(cls, training: Training, hop: int, seed: int) -> "_Learner":
        with seeded(seed):
            made = cls(training, hop)
            for module in made.modules():
                # HuBERT's own start, wide in convolutions and narrow in between, is slower
                if isinstance(module, torch.nn.Linear | torch.nn.Conv1d) and not is_parametrized(module):
                    module.reset_parameters()
        return made


def _outputs(model: MelHubert, clips: Sequence[np.ndarray], layer: int) -> list[np.ndarray]:
    """What block `layer` gives, float32 [frames, width] of each clip."""
    part, grid = cut(copy.deepcopy(model), layer)
    return in_windows(part, grid, clips)


def _teacher(features: Sequence[np.ndarray], clusters: int, seed: int) -> torch.Tensor:
    every = np.concatenate(features)
    return torch.from_numpy(kmeans.assign(every, kmeans.fit(every, clusters, seed)).astype(np.int64))


def _hearings(training: Training) -> Augmentation:
    return Augmentation(training.warp, training.bend, training.noise)


def spans(rng: np.random.Generator, shape: tuple[int, int], share: float, length: int) -> np.ndarray:
    """Which frames are hidden, bool [rows, frames]: spans of `length` that may overlap, `share` of all on average."""
    starts = rng.random(shape) < 1 - (1 - share) ** (1 / length)
    starts[0, 0] = True  # a batch with nothing hidden has no loss
    hidden = starts.copy()
    for shift in range(1, min(length, shape[1])):
        hidden[:, shift:] |= starts[:, :-shift]
    return hidden


def _loss(
    learner: _Learner, crops: Crops, teacher: torch.Tensor, training: Training, span: int, seed: int, step: int
) -> torch.Tensor:
    rng = np.random.default_rng([seed, step])
    mels, places = crops.drawn(rng)
    hidden = torch.from_numpy(spans(rng, (crops.rows, crops.length), training.mask, span))
    states = learner.model(
        _hearings(training).drawn(mels, places >= 0, rng), mask_time_indices=hidden
    ).last_hidden_state
    guesses, wanted = learner.head(states), torch.where(places < 0, _NOBODY, teacher[places])
    loss = cross_entropy(guesses[hidden], wanted[hidden])
    if training.visible and (wanted[~hidden] >= 0).any():
        loss = loss + training.visible * cross_entropy(guesses[~hidden], wanted[~hidden])
    return loss


def _swap(
    swapped_prediction: SwappedPrediction, crops: Crops, augmentation: Augmentation, seed: int, step: int
) -> torch.Tensor:
    rng = np.random.default_rng([seed, step, 1])
    mels, places = crops.drawn(rng)
    there = places >= 0
    return swapped_prediction.loss(augmentation.drawn(mels, there, rng), augmentation.drawn(mels, there, rng), there)
