"""HuBERT on a small corpus: from log-mels tell the cluster of each frame, and that of frames that were hidden.

    stream    log-mels [4 n, 80]   5 5 5 9 9 2 2 …   the teacher's cluster of each of n frames
    hidden                         . . # # # # .     about half of the frames, in spans of 0.2 s
    loss: cross entropy of the clusters at #, plus `visible` times that at .

Hsu et al. 2021 (arXiv 2106.07447), §II-B, in one iteration or more, and then swapped.py. Two things make an hour enough where HuBERT
took days: visible frames count as well (their α below 1), and each clip is heard as from other mouths and in noise (hearings.py),
though the teacher heard it as it is: who speaks is not to matter.
"""

import copy
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch.nn.functional import cross_entropy
from torch.nn.utils.parametrize import is_parametrized

from weft.schemas.settings import Settings
from weft.tokenizers import kmeans
from weft.tokenizers.checkpoint import cut
from weft.tokenizers.crops import Crops
from weft.tokenizers.fitting import fit, seeded
from weft.tokenizers.hearings import Hearings
from weft.tokenizers.layers import in_windows
from weft.tokenizers.mel_hubert import MelHubert, small_config
from weft.tokenizers.mfcc import RATE, mfcc
from weft.tokenizers.swapped import Swapped

SPAN_SECONDS = 0.2
_GENTLY = 0.6  # of the rate, where a model that knows something goes on
_NOBODY = -100  # what cross entropy passes over


class Training(Settings):
    """How the embedded HuBERT is trained: on at most `seconds` of the corpus, in batches of `batch_seconds` cut into `crop_seconds`.

    `clusters` of MFCCs are the teacher of the first of `iterations` of `steps`, those of the features half way up the model before
    it of the others; `mask` is the share of frames hidden, `visible` the weight of the others in the loss. Then come
    `swaps` steps in which two hearings of a clip teach each other which of `prototypes` a frame is near. A hearing has a vocal tract
    longer or shorter by up to 1 + `warp`, frequencies `bend` mel bands (of 80) off, and in a share of `noise` noise of 13 to 43 dB.
    """

    seconds: float = Field(default=3600, gt=0)
    iterations: int = Field(default=1, ge=1, le=4)
    steps: int = Field(default=350, ge=1)
    swaps: int = Field(default=100, ge=0)
    batch_seconds: float = Field(default=32, gt=0)
    crop_seconds: float = Field(default=4, gt=0)
    lr: float = Field(default=1e-3, gt=0)
    hidden: int = Field(default=256, ge=16, multiple_of=16)
    layers: int = Field(default=2, ge=1)
    heads: int = Field(default=4, ge=1)
    clusters: int = Field(default=200, ge=2)
    mask: float = Field(default=0.5, gt=0, lt=1)
    visible: float = Field(default=1.0, ge=0)
    prototypes: int = Field(default=200, ge=2)
    warp: float = Field(default=0.15, ge=0, lt=1)
    bend: float = Field(default=1.5, ge=0, le=5)
    noise: float = Field(default=0.25, ge=0, le=1)

    @model_validator(mode="after")
    def _heads_share(self) -> Self:
        if self.hidden % self.heads:
            raise ValueError(f"`heads` {self.heads} cannot share `hidden` {self.hidden}")
        return self

    @property
    def hearings(self) -> Hearings:
        return Hearings(self.warp, self.bend, self.noise)


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
        swapped = Swapped.of(learner.model, states, training.prototypes, seed)
        swap = partial(_swap, swapped, crops, training.hearings, seed)
        fit(swapped, swap, training.swaps, _GENTLY * training.lr, kept / "swapped.safetensors")
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
    states = learner.model(training.hearings.drawn(mels, places >= 0, rng), mask_time_indices=hidden).last_hidden_state
    guesses, wanted = learner.head(states), torch.where(places < 0, _NOBODY, teacher[places])
    loss = cross_entropy(guesses[hidden], wanted[hidden])
    if training.visible and (wanted[~hidden] >= 0).any():
        loss = loss + training.visible * cross_entropy(guesses[~hidden], wanted[~hidden])
    return loss


def _swap(swapped: Swapped, crops: Crops, hearings: Hearings, seed: int, step: int) -> torch.Tensor:
    rng = np.random.default_rng([seed, step, 1])
    mels, places = crops.drawn(rng)
    there = places >= 0
    return swapped.loss(hearings.drawn(mels, there, rng), hearings.drawn(mels, there, rng), there)
