"""HuBERT units: a layer of a HuBERT or wav2vec2 model, and the code of each of its frames.

Tokenizer(size=100, rate=25).train(speech, folder, seed=1)     # small, from nothing, on the corpus itself
Tokenizer(model="/models/mhubert", codebook="/models/l11_500.safetensors", layer=11, size=501, rate=25)

encode(samples[16000])  ->  ids 17 3 88 …, durations 2 1 4 …  (25 frames in all)
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, PrivateAttr, field_validator

from weft.schemas.fingerprint import hash64, version_of
from weft.schemas.resources import Resources
from weft.schemas.settings import NOT_IN_FINGERPRINT
from weft.tokenizers.base import SAMPLE_RATE
from weft.tokenizers.features.grid import Grid
from weft.tokenizers.models.folder import Checkpoint
from weft.tokenizers.models.learned import Learned, prefixed
from weft.tokenizers.models.trained import TrainedTokenizer
from weft.tokenizers.stream import Speech
from weft.tokenizers.training.hubert_settings import HubertTraining

if TYPE_CHECKING:  # a recipe is checked without torch; whoever trains or encodes imports it
    import torch

    from weft.tokenizers.models.checkpoint import LayeredModel
    from weft.tokenizers.models.quantizer import Quantizer
    from weft.tokenizers.training.loop import ResumableRun

CODEBOOK_CLIPS = 64  # whose features are held at once
PADDING = 0.02  # of a batch, at most


class Tokenizer(TrainedTokenizer):
    """Units of `layer` (1 is the first transformer block's output) at 25 or 50 Hz.

    Without `model` the encoder is trained here from random weights, and its codebook by speaker_invariance.py, which uses the names of
    speakers where they are known. With `model` (a local folder or hf://org/name) only a k-means codebook is trained; with
    `codebook` too (see quantizer.py) both are copied. Spirit LM (§2.2) takes layer 11 of a 25 Hz mHuBERT.

    `normalise` gives each clip mean 0 and variance 1, as a model's `preprocessor_config.json` asks with `do_normalize`. `batch` seconds
    are encoded at once, on torch's `device` in `dtype`; training is on the CPU.
    """

    learns_from: ClassVar[tuple[str, ...]] = ("speaker",)

    rate: float = 25
    size: int = Field(default=100, ge=2)
    literal: str = "[Hu{}]"
    model: Checkpoint = ""
    codebook: Checkpoint = ""
    layer: int = Field(default=2, ge=1)
    normalise: bool = True
    device: Annotated[str, NOT_IN_FINGERPRINT] = "cpu"
    dtype: Literal["float32", "bfloat16"] = "float32"
    batch: Annotated[float, NOT_IN_FINGERPRINT] = Field(default=60.0, gt=0)
    training: HubertTraining = HubertTraining()

    _model: "LayeredModel | None" = PrivateAttr(None)
    _grid: Grid | None = PrivateAttr(None)
    _quantizer: "Quantizer | None" = PrivateAttr(None)

    @field_validator("rate")
    @classmethod
    def _hubert_rate(cls, rate: float) -> float:
        if rate not in (25, 50):
            raise ValueError(f"HuBERT units come at 25 or 50 Hz, not {rate:g}")
        return rate

    @property
    def training_seconds(self) -> float:
        """Seconds of speech that `train` uses: none when both `model` and `codebook` are given."""
        return 0.0 if self.model and self.codebook else self.training.seconds

    @property
    def batch_seconds(self) -> float:
        return 10 * self.batch  # enough to find clips of similar length

    @property
    def resources(self) -> Resources:
        return Resources.on(self.device)

    def _learn(self, speech: Sequence[Speech], run: "ResumableRun") -> Learned:
        """The encoder (trained, or copied from `model`, cut to `layer` blocks) and its codebook."""
        from weft.tokenizers.models.checkpoint import learned_of, load_encoder

        self._set_encoder(*load_encoder(self.model, self.layer) if self.model else self._trained_encoder(speech, run))
        model, _ = self._ready()
        encoder, codebook = learned_of(model), self._trained_codebook(speech, run.seed)
        return Learned(
            tensors={**encoder.tensors, **prefixed("codebook", _as_torch(codebook.tensors))}, facts=encoder.facts
        )

    def _use(self, learned: Learned, folder: Path) -> None:
        import torch

        from weft.tokenizers.models.checkpoint import encoder_of, to_device
        from weft.tokenizers.models.quantizer import quantizer_of

        self._set_encoder(*encoder_of(learned, self.layer, str(folder)))
        tables = {name: tensor.numpy() for name, tensor in learned.part("codebook").items()}
        self._quantizer = quantizer_of(tables, str(folder), *self._codebook_shape)
        to_device(self._ready()[0], self.device, getattr(torch, self.dtype))

    @property
    def _decisive_settings(self) -> tuple[str, ...]:
        return ("layer", "normalise")

    def frames(self, n_samples: int) -> int:
        """Whole hops of 640 (25 Hz) or 320 (50 Hz) samples; a shorter remainder has no frame."""
        return n_samples // self._hop

    def version(self) -> str:
        return f"hubert-10+transformers-{version_of('transformers')}+torch-{version_of('torch')}"

    def _ids(self, speech: Sequence[Speech]) -> Iterator[np.ndarray]:
        if self._quantizer is None:
            raise RuntimeError("this tokenizer has no codebook yet: call load(folder) first")
        for features in self.features([one.samples for one in speech]):
            yield self._quantizer.codes(features)

    def features(self, clips: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The layer's output for each clip, float32 [frames, width]."""
        from weft.tokenizers.models import layers

        model, grid = self._ready()
        return layers.states_of(model, grid, self._rows(clips), batch=self.batch, padding=PADDING)

    def _rows(self, clips: Sequence[np.ndarray]) -> list[np.ndarray]:
        return [normalised(clip) if self.normalise else np.asarray(clip, np.float32) for clip in clips]

    @property
    def _hop(self) -> int:
        return round(SAMPLE_RATE / self.rate)

    @property
    def _codebook_shape(self) -> tuple[int, int]:
        return self.size, self._ready()[0].config.hidden_size

    def _set_encoder(self, model: "LayeredModel", grid: Grid) -> None:
        if grid.hop != self._hop:
            raise ValueError(f"a frame of this model is {grid.hop} samples: set `rate` to {SAMPLE_RATE / grid.hop:g}")
        self._model, self._grid = model, grid

    def _trained_encoder(self, speech: Sequence[Speech], run: "ResumableRun") -> "tuple[LayeredModel, Grid]":
        from weft.tokenizers.models.checkpoint import cut
        from weft.tokenizers.training.hubert import train

        if self.layer > self.training.layers:
            raise ValueError(f"`layer` is {self.layer} but `training.layers` is {self.training.layers}")
        rows = self._rows([one.samples for one in speech])
        return cut(train(rows, self.training, self.rate, run), self.layer)

    def _trained_codebook(self, speech: Sequence[Speech], seed: int) -> "Quantizer":
        from weft.tokenizers.models import kmeans
        from weft.tokenizers.models.quantizer import Nearest, load_quantizer
        from weft.tokenizers.training import speaker_invariance

        if self.codebook:
            return load_quantizer(self.codebook, *self._codebook_shape)
        clips = [one.samples for one in speech]
        if self.model:
            return Nearest(kmeans.fit(self._thinned_features(clips), self.size, seed))
        return speaker_invariance.fit(self.features(clips), [one.speaker for one in speech], self.size, seed)

    def _ready(self) -> "tuple[LayeredModel, Grid]":
        if self._model is None or self._grid is None:
            raise RuntimeError("this tokenizer has no model yet: call load(folder) first")
        return self._model, self._grid

    def _training_clips(self, speech: Sequence[Speech], seed: int) -> list[Speech]:
        """Clips in an order that follows from seed and content, until they hold `training.seconds`."""
        clips: list[Speech] = []
        room = self.training.seconds * SAMPLE_RATE
        for one in sorted(self._usable(speech), key=lambda one: hash64(seed, one.name)):
            if room >= self._hop:
                clips.append(replace(one, samples=one.samples[: int(room)]))
                room -= len(one.samples)
        return clips

    def _thinned_features(self, clips: Sequence[np.ndarray]) -> np.ndarray:
        """Features of the clips, float32 [frames, width], evenly thinned to `training.codebook_frames`; never all of them in memory."""
        apart = -(-sum(self.frames(len(clip)) for clip in clips) // self.training.codebook_frames)
        kept: list[np.ndarray] = []
        before = 0
        for first in range(0, len(clips), CODEBOOK_CLIPS):
            features = np.concatenate(self.features(clips[first : first + CODEBOOK_CLIPS]))
            kept.append(features[-before % apart :: apart])
            before += len(features)
        return np.concatenate(kept)


def _as_torch(tables: "dict[str, np.ndarray]") -> "dict[str, torch.Tensor]":
    import torch

    return {name: torch.from_numpy(table) for name, table in tables.items()}


def normalised(samples: np.ndarray) -> np.ndarray:
    """Zero mean and unit variance, float32 [n_samples], as HuBERT's feature extractor does; silence stays zero."""
    centred = samples.astype(np.float32) - np.float32(samples.sum(dtype=np.float64) / len(samples))
    return centred * np.float32(1 / np.sqrt(np.dot(centred, centred) / len(centred) + 1e-7))
