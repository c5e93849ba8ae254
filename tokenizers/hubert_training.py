"""HuBERT on a small corpus: predict the cluster of frames that were hidden, of MFCCs first, then of its own features.

    stream    samples [n * hop]   5 5 5 9 9 2 2 …   the teacher's cluster of each frame
    hidden            . . # # # # .                 about half of the frames, in spans of 0.2 s
    loss: cross entropy of the clusters at #, plus `visible` times that at .

Hsu et al. 2021 (arXiv 2106.07447), §II-B; the model is a transformers `HubertModel` small enough for two cores.
Two things make minutes enough where HuBERT took days: the first convolution starts as a bank of band-pass filters, and
visible frames count as well (their α below 1). With neither, the loss after 100 steps is still that of guessing.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from pydantic import Field
from torch.nn.functional import cross_entropy
from transformers import HubertConfig, HubertModel
from transformers.audio_utils import hertz_to_mel, mel_to_hertz

from weft.schemas.settings import Settings
from weft.tokenizers import kmeans
from weft.tokenizers.checkpoint import cut
from weft.tokenizers.fitting import fit, seeded
from weft.tokenizers.grid import Grid
from weft.tokenizers.layers import frames
from weft.tokenizers.mfcc import RATE, mfcc

SPAN_SECONDS = 0.2
BAND = (60.0, 7600.0)  # Hz, of the first filters

Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]  # samples [B, N], teacher [B, T], hidden [B, T]


class Training(Settings):
    """How the embedded HuBERT is trained: on at most `seconds` of the corpus, in batches of `batch_seconds`.

    `clusters` of MFCCs are the teacher of the first of `iterations`, those of the features half way up the model before it of the
    others; `mask` is the share of frames hidden, `visible` the weight of the others in the loss; each batch is cut into
    `crop_seconds`.
    """

    seconds: float = Field(default=600, gt=0)
    iterations: int = Field(default=1, ge=1, le=4)
    steps: int = Field(default=350, ge=1)
    batch_seconds: float = Field(default=16, gt=0)
    crop_seconds: float = Field(default=4, gt=0)
    lr: float = Field(default=2e-3, gt=0)
    hidden: int = Field(default=192, ge=16)
    layers: int = Field(default=4, ge=1)
    heads: int = Field(default=4, ge=1)
    clusters: int = Field(default=100, ge=2)
    mask: float = Field(default=0.5, gt=0, lt=1)
    visible: float = Field(default=0.5, ge=0)


@dataclass(frozen=True)
class Stream:
    """Clips end to end: padded samples float32, and the teacher's cluster of each frame, int64 [frames]."""

    samples: np.ndarray
    teacher: np.ndarray
    grid: Grid

    def crop(self, first: int, frames: int) -> np.ndarray:
        """The samples from which the convolutions make exactly these frames."""
        begin = first * self.grid.hop
        return self.samples[begin : begin + (frames - 1) * self.grid.hop + self.grid.window]


def small_config(training: Training, rate: float) -> HubertConfig:
    """A HubertConfig whose convolutions step 320 samples (50 Hz) or 640 (25 Hz).

    `feat_extract_norm="layer"` keeps each frame's features its own: a group norm would see the whole clip's length.
    """
    strides, kernels = ([40, 4, 2], [320, 8, 4]) if rate == 50 else ([40, 4, 4], [320, 8, 8])
    return HubertConfig(
        hidden_size=training.hidden,
        num_hidden_layers=training.layers,
        num_attention_heads=training.heads,
        intermediate_size=training.hidden * 4,
        conv_dim=[128, 192, 192],
        conv_stride=strides,
        conv_kernel=kernels,
        feat_extract_norm="layer",
        conv_bias=True,
        do_stable_layer_norm=True,
        num_conv_pos_embeddings=32,
        num_conv_pos_embedding_groups=8,
        hidden_dropout=0.0,
        activation_dropout=0.0,
        attention_dropout=0.0,
        feat_proj_dropout=0.0,
        layerdrop=0.0,
    )


def train(clips: Sequence[np.ndarray], training: Training, rate: float, seed: int, kept: Path) -> HubertModel:
    """A HubertModel trained on normalised clips; the same for the same clips, seed and number of torch threads. `kept` is a folder
    for what makes it go on where it was broken off.

    Raises ValueError when the clips hold too little speech for the teacher's clusters.
    """
    config = small_config(training, rate)
    grid = Grid.of(config.conv_kernel, config.conv_stride)
    features = [mfcc(clip, grid.hop) for clip in clips]
    for iteration in range(training.iterations):
        learner = _Learner.fresh(config, training.clusters, seed)
        stream = _stream(clips, features, training.clusters, grid, seed)
        loss = partial(_loss, learner, stream, training, rate, seed)
        fit(learner, loss, training.steps, training.lr, kept / f"iteration-{iteration}.safetensors")
        if iteration + 1 < training.iterations:
            middle, _ = cut(copy.deepcopy(learner.model), max(1, training.layers // 2))
            features = [next(frames(middle, grid, [clip])) for clip in clips]
    return learner.model


class _Learner(torch.nn.Module):
    """The model, and what tells clusters from its last states."""

    def __init__(self, config: HubertConfig, clusters: int) -> None:
        super().__init__()
        self.model = HubertModel(config)
        self.head = torch.nn.Linear(config.hidden_size, clusters)

    @classmethod
    def fresh(cls, config: HubertConfig, clusters: int, seed: int) -> "_Learner":
        with seeded(seed):
            made = cls(config, clusters)
            _tune(next(m for m in made.model.feature_extractor.modules() if isinstance(m, torch.nn.Conv1d)))
        return made


def _tune(conv: torch.nn.Conv1d) -> None:
    """Start the first convolution as cosine and sine filters on the mel scale, each of unit energy.

    The random biases let a loud frame differ from a quiet one behind the layer norm, which takes the level away.
    """
    count, _, width = conv.weight.shape
    low, high = (float(hertz_to_mel(hertz, "htk")) for hertz in BAND)
    hertz = torch.tensor(mel_to_hertz(np.linspace(low, high, count // 2), "htk"), dtype=torch.float32)
    phase = 2 * torch.pi * hertz[:, None] * (torch.arange(width) - (width - 1) / 2) / RATE
    bank = torch.cat([phase.cos(), phase.sin()]) * torch.hamming_window(width, periodic=False)
    with torch.no_grad():
        conv.weight.copy_((bank / bank.norm(dim=1, keepdim=True))[:, None])
        conv.bias.normal_(0.0, 0.3)  # type: ignore[union-attr]


def _stream(
    clips: Sequence[np.ndarray], features: Sequence[np.ndarray], clusters: int, grid: Grid, seed: int
) -> Stream:
    centroids = kmeans.fit(np.concatenate(features), clusters, seed)
    teacher = np.concatenate([kmeans.assign(f, centroids) for f in features]).astype(np.int64)
    samples = np.concatenate([clip[: grid.frames(len(clip)) * grid.hop] for clip in clips])
    return Stream(grid.pad(samples), teacher, grid)


def _batch(stream: Stream, training: Training, rate: float, rng: np.random.Generator) -> Batch:
    count = min(max(1, round(training.crop_seconds * rate)), len(stream.teacher))
    rows = max(1, round(training.batch_seconds / training.crop_seconds))
    firsts = rng.integers(0, len(stream.teacher) - count + 1, rows)
    samples_BN = np.stack([stream.crop(first, count) for first in firsts])
    teacher_BT = np.stack([stream.teacher[first : first + count] for first in firsts])
    hidden_BT = spans(rng, (rows, count), training.mask, max(1, round(SPAN_SECONDS * rate)))
    return torch.from_numpy(samples_BN), torch.from_numpy(teacher_BT), torch.from_numpy(hidden_BT)


def spans(rng: np.random.Generator, shape: tuple[int, int], share: float, length: int) -> np.ndarray:
    """Which frames are hidden, bool [rows, frames]: spans of `length` that may overlap, `share` of all on average."""
    starts = rng.random(shape) < 1 - (1 - share) ** (1 / length)
    starts[0, 0] = True  # a batch with nothing hidden has no loss
    hidden = starts.copy()
    for shift in range(1, min(length, shape[1])):
        hidden[:, shift:] |= starts[:, :-shift]
    return hidden


def _loss(learner: _Learner, stream: Stream, training: Training, rate: float, seed: int, step: int) -> torch.Tensor:
    samples_BN, teacher_BT, hidden_BT = _batch(stream, training, rate, np.random.default_rng([seed, step]))
    states_BTC = learner.model(samples_BN, mask_time_indices=hidden_BT).last_hidden_state
    loss = cross_entropy(learner.head(states_BTC[hidden_BT]), teacher_BT[hidden_BT])
    if training.visible and not hidden_BT.all():
        loss = loss + training.visible * cross_entropy(learner.head(states_BTC[~hidden_BT]), teacher_BT[~hidden_BT])
    return loss
