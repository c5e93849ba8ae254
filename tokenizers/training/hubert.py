"""Trains a HuBERT on a small corpus: it predicts the cluster of each frame of log-mels, masked or not.

    log-mels [4 n, 80]     5 5 5 9 9 2 2 …   the teacher's cluster of each of n frames
    masked                 . . # # # # .     about half of the frames, in spans of 0.2 s
    loss: cross entropy of the clusters at #, plus `visible` times that at .

Hsu et al. 2021 (arXiv 2106.07447), §II-B, in one iteration or more, and then swapped_prediction.py. For an hour of speech to be enough,
visible frames count in the loss as well (their α below 1), and the model's input is augmented with other vocal tracts and noise
(augmentation.py) while the teacher's is not, so that the model learns to ignore the speaker.
"""

import copy
from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from torch.nn.utils.parametrize import is_parametrized

from weft.tokenizers.features.augmentation import Augmentation
from weft.tokenizers.features.crops import Crops
from weft.tokenizers.features.mfcc import RATE, mfcc
from weft.tokenizers.models import kmeans
from weft.tokenizers.models.checkpoint import cut
from weft.tokenizers.models.layers import states_of
from weft.tokenizers.models.mel_hubert import MelHubert, small_config
from weft.tokenizers.training.hubert_settings import HubertTraining
from weft.tokenizers.training.loop import ResumableRun, fit, seeded
from weft.tokenizers.training.swapped_prediction import SwappedPrediction

SPAN_SECONDS = 0.2
_LATER_RATE = 0.6  # of the learning rate, for a model that has been trained already
_IGNORED = -100  # the target that cross entropy ignores


def train(clips: Sequence[np.ndarray], training: HubertTraining, rate: float, run: ResumableRun) -> MelHubert:
    """A model with `rate` frames a second, from float32 samples [n] of each clip at 16 kHz.

    The same for the same clips, seed and number of torch threads. Raises ValueError when the clips hold too little speech for the
    teacher's clusters.
    """
    hop = round(RATE / rate)
    batch = max(1, round(training.batch_seconds / training.crop_seconds))
    crops = Crops.of(clips, hop, batch, max(1, round(training.crop_seconds * rate)))
    model = _masked_prediction(clips, crops, training, rate, run)
    if training.swaps:
        _swapped_prediction(model, clips, crops, training, run)
    return model


def _masked_prediction(
    clips: Sequence[np.ndarray], crops: Crops, training: HubertTraining, rate: float, run: ResumableRun
) -> MelHubert:
    """The first iteration learns clusters of MFCCs, each further one clusters of the features of the model before it."""
    hop = round(RATE / rate)
    features = [mfcc(clip, hop) for clip in clips]
    for iteration in range(training.iterations):
        learner = _Learner.initial(training, hop, run.seed)
        teacher = _clusters(features, training.clusters, run.seed)
        loss = partial(_loss, learner, crops, teacher, training, max(1, round(SPAN_SECONDS * rate)), run.seed)
        phase = "masked-prediction" + (f"-{iteration + 1}" if training.iterations > 1 else "")
        fit(learner, loss, steps=training.steps, lr=training.lr, state=run.state(phase), adamw=training.adamw)
        if iteration + 1 < training.iterations:
            features = _outputs(learner.model, clips, max(1, training.layers // 2))
    return learner.model


def _swapped_prediction(
    model: MelHubert, clips: Sequence[np.ndarray], crops: Crops, training: HubertTraining, run: ResumableRun
) -> None:
    states = np.concatenate(_outputs(model, clips, training.layers))
    learner = SwappedPrediction.of(model, states, training.prototypes, run.seed)
    loss = partial(_swap, learner, crops, _augmentation(training), run.seed)
    state, lr = run.state("swapped-prediction"), _LATER_RATE * training.lr
    fit(learner, loss, steps=training.swaps, lr=lr, state=state, adamw=training.adamw)


class _Learner(torch.nn.Module):
    """The model, and a linear classifier of clusters from its last states."""

    def __init__(self, training: HubertTraining, hop: int) -> None:
        super().__init__()
        self.model = MelHubert(small_config(training.hidden, training.layers, training.heads, hop))
        self.head = torch.nn.Linear(training.hidden, training.clusters)

    @classmethod
    def initial(cls, training: HubertTraining, hop: int, seed: int) -> "_Learner":
        with seeded(seed):
            learner = cls(training, hop)
            for module in learner.modules():
                # HuBERT's own initial weights, large in convolutions and small in linear layers, learn more slowly
                if isinstance(module, torch.nn.Linear | torch.nn.Conv1d) and not is_parametrized(module):
                    module.reset_parameters()
        return learner


def _outputs(model: MelHubert, clips: Sequence[np.ndarray], layer: int) -> list[np.ndarray]:
    """The output of block `layer`, float32 [frames, width] of each clip."""
    encoder, grid = cut(copy.deepcopy(model), layer)
    return states_of(encoder, grid, clips)


def _clusters(features: Sequence[np.ndarray], clusters: int, seed: int) -> torch.Tensor:
    """The k-means cluster of each frame of all clips, int64 [frames]."""
    every = np.concatenate(features)
    return torch.from_numpy(kmeans.assign(every, kmeans.fit(every, clusters, seed)).astype(np.int64))


def _augmentation(training: HubertTraining) -> Augmentation:
    return Augmentation(warp=training.warp, bend=training.bend, noise=training.noise)


def spans(rng: np.random.Generator, shape: tuple[int, int], share: float, length: int) -> np.ndarray:
    """Which frames are masked, bool [rows, frames]: spans of `length` that may overlap, `share` of all frames on average."""
    starts = rng.random(shape) < 1 - (1 - share) ** (1 / length)
    starts[0, 0] = True  # a batch with nothing masked has no loss
    masked = starts.copy()
    for shift in range(1, min(length, shape[1])):
        masked[:, shift:] |= starts[:, :-shift]
    return masked


def _loss(
    learner: _Learner, crops: Crops, teacher: torch.Tensor, training: HubertTraining, span: int, seed: int, step: int
) -> torch.Tensor:
    rng = np.random.default_rng([seed, step])
    mels, places = crops.batch(rng)
    masked = torch.from_numpy(spans(rng, (crops.rows, crops.length), training.mask, span))
    augmented = _augmentation(training).apply(mels, places >= 0, rng)
    logits = learner.head(learner.model(augmented, mask_time_indices=masked).last_hidden_state)
    targets = torch.where(places < 0, _IGNORED, teacher[places])
    loss = cross_entropy(logits[masked], targets[masked])
    if training.visible and (targets[~masked] >= 0).any():
        loss = loss + training.visible * cross_entropy(logits[~masked], targets[~masked])
    return loss


def _swap(learner: SwappedPrediction, crops: Crops, augmentation: Augmentation, seed: int, step: int) -> torch.Tensor:
    rng = np.random.default_rng([seed, step, 1])
    mels, places = crops.batch(rng)
    inside = places >= 0
    return learner.loss(augmentation.apply(mels, inside, rng), augmentation.apply(mels, inside, rng), inside)
