"""HuBERT units: a layer of a HuBERT or wav2vec2 model, and the code of each of its frames.

    Tokenizer(size=100, rate=25).train(speech, folder, seed=1)     # small, from nothing, on the corpus itself
    Tokenizer(model="/models/mhubert", codebook="/models/l11_500.safetensors", layer=11, size=501, rate=25)

    encode(samples[16000])  ->  ids 17 3 88 …, durations 2 1 4 …  (25 frames in all)

A trained folder holds `config.json`, `model.safetensors`, `quantizer.safetensors` and `settings.json`.
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
from weft.tokenizers.base import SAMPLE_RATE, SpeechTokenizer
from weft.tokenizers.features.grid import Grid
from weft.tokenizers.models.folder import Checkpoint, check_settings
from weft.tokenizers.stream import Speech
from weft.tokenizers.training.hubert_settings import Training

if TYPE_CHECKING:  # a recipe is checked without torch; whoever trains or encodes imports it
    from weft.tokenizers.models.checkpoint import Encoder
    from weft.tokenizers.models.quantizer import Quantizer

CODEBOOK_FRAMES = 60_000  # enough to place the centroids; more only takes time
CODEBOOK_CLIPS = 64  # heard before what k-means does not need is forgotten
PADDING = 0.02  # of a batch, at most


class Tokenizer(SpeechTokenizer):
    """Units of `layer` (1 is the first transformer block's output) at 25 or 50 Hz.

    Without `model` all is learnt here, and the codebook is that of speaker_invariance.py, for
    which it helps to know who speaks. With `model` (a local
    folder or hf://org/name) only plain centroids are, and with `codebook` too (see quantizer.py) nothing: `train` copies both.
    Spirit LM (§2.2) takes layer 11 of a 25 Hz mHuBERT. `normalise` gives each clip mean 0 and variance 1, as a model's
    `preprocessor_config.json` asks with `do_normalize`. `batch` seconds are encoded at once, on torch's `device` in `dtype`; it is
    trained on the CPU.
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
    training: Training = Training()

    _model: "Encoder | None" = PrivateAttr(None)
    _grid: Grid | None = PrivateAttr(None)
    _quantizer: "Quantizer | None" = PrivateAttr(None)
    _checksum: str = PrivateAttr("")

    @field_validator("rate")
    @classmethod
    def _hubert_rate(cls, rate: float) -> float:
        if rate not in (25, 50):
            raise ValueError(f"HuBERT units come at 25 or 50 Hz, not {rate:g}")
        return rate

    @property
    def training_seconds(self) -> float:
        """How much speech `train` looks at: none when both `model` and `codebook` are given."""
        return 0.0 if self.model and self.codebook else self.training.seconds

    @property
    def batch_seconds(self) -> float:
        return 10 * self.batch  # so that there are clips of like length among them

    @property
    def resources(self) -> Resources:
        return Resources.on(self.device)

    def train(self, speech: Sequence[Speech], folder: Path, seed: int) -> None:
        """Write `folder`: the model (trained, or copied from `model`, cut to `layer` blocks) and its codebook.

        The same for the same speech in any order, the same seed and number of torch threads. Raises ValueError for
        too little speech, or for a checkpoint or codebook that does not fit.
        """
        from weft.tokenizers.models.checkpoint import load_encoder, quiet
        from weft.tokenizers.models.quantizer import save_quantizer
        from weft.tokenizers.training.loop import unfinished

        chosen = self._sample(speech, seed) if self.training_seconds else []
        with unfinished(folder, self.model_dump(mode="json"), seed, [one.name for one in chosen]) as kept:
            self._hold(*load_encoder(self.model, self.layer) if self.model else self._trained(chosen, seed, kept))
            with quiet():
                self._ready()[0].save_pretrained(folder)
            save_quantizer(self._codebook(chosen, seed), folder / "quantizer.safetensors")
            (folder / "settings.json").write_text(self.model_dump_json(indent=1) + "\n", "utf-8")
        self.load(folder)

    def load(self, folder: Path) -> None:
        """Make ready with what `train` wrote. Raises ValueError when that is no such model or does not fit the settings."""
        import torch

        from weft.tokenizers.models.checkpoint import checksum, load_encoder, to_device
        from weft.tokenizers.models.quantizer import load_quantizer

        self._hold(*load_encoder(str(folder), self.layer))
        check_settings(folder, self, "layer")
        model, _ = self._ready()
        self._quantizer = load_quantizer(str(folder / "quantizer.safetensors"), *self._shape)
        self._checksum = checksum(model, self._quantizer.tensors)
        to_device(model, self.device, getattr(torch, self.dtype))

    def frames(self, n_samples: int) -> int:
        """Whole hops of 640 (25 Hz) or 320 (50 Hz) samples; a rest shorter than one is in no frame."""
        return n_samples // self._hop

    def version(self) -> str:
        """What computes the units, known before any model is loaded; `checksum` names the weights."""
        return f"hubert-9+transformers-{version_of('transformers')}+torch-{version_of('torch')}"

    @property
    def checksum(self) -> str:
        """16 hex digits over the loaded weights and codebook."""
        self._ready()
        return self._checksum

    def _ids(self, speech: Sequence[Speech]) -> Iterator[np.ndarray]:
        if self._quantizer is None:
            raise RuntimeError("this tokenizer has no codebook yet: call load(folder) first")
        for features in self.features([one.samples for one in speech]):
            yield self._quantizer.codes(features)

    def features(self, clips: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The layer's output for each clip, float32 [frames, width]."""
        from weft.tokenizers.models import layers

        model, grid = self._ready()
        return layers.in_windows(model, grid, self._rows(clips), self.batch, PADDING)

    def _rows(self, clips: Sequence[np.ndarray]) -> list[np.ndarray]:
        return [normalised(clip) if self.normalise else np.asarray(clip, np.float32) for clip in clips]

    @property
    def _hop(self) -> int:
        return round(SAMPLE_RATE / self.rate)

    @property
    def _shape(self) -> tuple[int, int]:
        return self.size, self._ready()[0].config.hidden_size

    def _hold(self, model: "Encoder", grid: Grid) -> None:
        if grid.hop != self._hop:
            raise ValueError(f"a frame of this model is {grid.hop} samples: set `rate` to {SAMPLE_RATE / grid.hop:g}")
        self._model, self._grid = model, grid

    def _trained(self, speech: Sequence[Speech], seed: int, kept: Path) -> "tuple[Encoder, Grid]":
        from weft.tokenizers.models.checkpoint import cut
        from weft.tokenizers.training.hubert import train

        if self.layer > self.training.layers:
            raise ValueError(f"`layer` is {self.layer} but `training.layers` is {self.training.layers}")
        rows = self._rows([one.samples for one in speech])
        return cut(train(rows, self.training, self.rate, seed, kept), self.layer)

    def _codebook(self, speech: Sequence[Speech], seed: int) -> "Quantizer":
        from weft.tokenizers.models import kmeans
        from weft.tokenizers.models.quantizer import Nearest, load_quantizer
        from weft.tokenizers.training import speaker_invariance as steady

        if self.codebook:
            return load_quantizer(self.codebook, *self._shape)
        clips = [one.samples for one in speech]
        if self.model:
            return Nearest(kmeans.fit(self._spread(clips), self.size, seed))
        return steady.fit(self.features(clips), [one.speaker for one in speech], self.size, seed)

    def _ready(self) -> "tuple[Encoder, Grid]":
        if self._model is None or self._grid is None:
            raise RuntimeError("this tokenizer has no model yet: call load(folder) first")
        return self._model, self._grid

    def _sample(self, speech: Sequence[Speech], seed: int) -> list[Speech]:
        """Clips of a frame or more, in an order drawn from seed and content, until they make up `training.seconds`."""
        usable = [one for one in speech if not self._fault(one.samples)]
        if not usable:
            raise ValueError(f"none of the {len(speech)} clips is as long as one frame ({1 / self.rate:g} s)")
        chosen: list[Speech] = []
        room = self.training.seconds * SAMPLE_RATE
        for one in sorted(usable, key=lambda one: hash64(seed, one.name)):
            if room >= self._hop:
                chosen.append(replace(one, samples=one.samples[: int(room)]))
                room -= len(one.samples)
        return chosen

    def _spread(self, clips: Sequence[np.ndarray]) -> np.ndarray:
        """Features of the clips, float32 [frames, width], evenly thinned to what k-means needs; never are all of them held."""
        apart = -(-sum(self.frames(len(clip)) for clip in clips) // CODEBOOK_FRAMES)
        kept: list[np.ndarray] = []
        before = 0
        for first in range(0, len(clips), CODEBOOK_CLIPS):
            features = np.concatenate(self.features(clips[first : first + CODEBOOK_CLIPS]))
            kept.append(features[-before % apart :: apart])
            before += len(features)
        return np.concatenate(kept)


def normalised(samples: np.ndarray) -> np.ndarray:
    """Zero mean and unit variance, float32 [n_samples], as HuBERT's feature extractor does; silence stays zero."""
    centred = samples.astype(np.float32) - np.float32(samples.sum(dtype=np.float64) / len(samples))
    return centred * np.float32(1 / np.sqrt(np.dot(centred, centred) / len(centred) + 1e-7))
