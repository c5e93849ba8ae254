"""HuBERT units: a layer of a transformers `HubertModel`, and the nearest of its k-means centroids.

    Tokenizer(size=100, rate=25).train(clips, folder, seed=1)     # small, from nothing, on the corpus itself
    Tokenizer(model="/models/mhubert", codebook="/models/km501.npy", layer=11, size=501, rate=25)

    encode(samples[16000])  ->  ids 17 3 88 …, durations 2 1 4 …  (25 frames in all)

A trained folder holds `config.json`, `model.safetensors`, `kmeans.safetensors` and `settings.json`.
"""

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
import torch
from pydantic import Field, PrivateAttr, field_validator
from safetensors.numpy import save_file
from transformers import HubertModel

from weft.schemas.fingerprint import version_of
from weft.tokenizers import kmeans
from weft.tokenizers.base import SAMPLE_RATE, SpeechTokenizer, checked
from weft.tokenizers.checkpoint import checksum, cut, load_codebook, load_hubert, quiet
from weft.tokenizers.grid import Grid
from weft.tokenizers.hubert_training import Training, train

CODEBOOK_FRAMES = 60_000  # enough to place the centroids; more only takes time


class Tokenizer(SpeechTokenizer):
    """Units of `layer` (1 is the first transformer block's output) at 25 or 50 Hz.

    With `model` (a local folder or a hub name) only the centroids are learnt, and with `codebook` too (`.npy` or
    `.safetensors`, float [size, width]) nothing is: `train` then copies both into its folder. Spirit LM (§2.2) takes
    layer 11 of a 25 Hz mHuBERT.
    """

    rate: float = 25
    size: int = Field(default=100, ge=2)
    literal: str = "[Hu{}]"
    model: str = ""
    codebook: str = ""
    layer: int = Field(default=2, ge=1)
    training: Training = Training()

    _model: HubertModel | None = PrivateAttr(None)
    _grid: Grid | None = PrivateAttr(None)
    _centroids: np.ndarray | None = PrivateAttr(None)
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

    def train(self, clips: Sequence[np.ndarray], folder: Path, seed: int) -> None:
        """Write `folder`: the model (trained, or copied from `model`, cut to `layer` blocks) and its centroids.

        The same for the same clips in any order, the same seed and number of torch threads. Raises ValueError for
        too little speech, or for a checkpoint or codebook that does not fit.
        """
        folder.mkdir(parents=True, exist_ok=True)
        chosen = self._sample(clips, seed) if self.training_seconds else []
        self._hold(*load_hubert(self.model, self.layer) if self.model else self._trained(chosen, seed))
        with quiet():
            self._ready()[0].save_pretrained(folder)
        save_file({"centroids": self._codebook(chosen, seed)}, folder / "kmeans.safetensors")
        (folder / "settings.json").write_text(self.model_dump_json(indent=1) + "\n", "utf-8")
        self.load(folder)

    def load(self, folder: Path) -> None:
        """Make ready with what `train` wrote. Raises ValueError when that is no HuBERT or does not fit the settings."""
        self._hold(*load_hubert(str(folder), self.layer))
        self._centroids = load_codebook(str(folder / "kmeans.safetensors"), self._shape)
        self._checksum = checksum(self._ready()[0], self._centroids)

    def frames(self, n_samples: int) -> int:
        """Whole hops of 640 (25 Hz) or 320 (50 Hz) samples; a rest shorter than one is in no frame."""
        return n_samples // self._hop

    def version(self) -> str:
        """What computes the units, known before any model is loaded; `checksum` names the weights."""
        return f"hubert-1+transformers-{version_of('transformers')}+torch-{version_of('torch')}"

    @property
    def checksum(self) -> str:
        """16 hex digits over the loaded weights and centroids."""
        self._ready()
        return self._checksum

    def _frames(self, samples: np.ndarray) -> np.ndarray:
        if self._centroids is None:
            raise RuntimeError("this tokenizer has no codebook yet: call load(folder) first")
        return kmeans.assign(self.features(samples), self._centroids)

    def features(self, samples: np.ndarray) -> np.ndarray:
        """The layer's output for one clip, float32 [frames, width]; alone and unpadded, so no batch can change it."""
        model, grid = self._ready()
        waveform = torch.from_numpy(grid.pad(normalised(samples)))[None]
        with torch.inference_mode():
            return model(waveform, output_hidden_states=True).hidden_states[self.layer][0].numpy()

    @property
    def _hop(self) -> int:
        return round(SAMPLE_RATE / self.rate)

    @property
    def _shape(self) -> tuple[int, int]:
        return self.size, self._ready()[0].config.hidden_size

    def _hold(self, model: HubertModel, grid: Grid) -> None:
        if grid.hop != self._hop:
            raise ValueError(f"a frame of this model is {grid.hop} samples: set `rate` to {SAMPLE_RATE / grid.hop:g}")
        self._model, self._grid = model, grid

    def _trained(self, clips: Sequence[np.ndarray], seed: int) -> tuple[HubertModel, Grid]:
        if self.layer > self.training.layers:
            raise ValueError(f"`layer` is {self.layer} but `training.layers` is {self.training.layers}")
        return cut(train([normalised(clip) for clip in clips], self.training, self.rate, seed), self.layer)

    def _codebook(self, clips: Sequence[np.ndarray], seed: int) -> np.ndarray:
        if self.codebook:
            return load_codebook(self.codebook, self._shape)
        return kmeans.fit(self._spread(clips), self.size, seed)

    def _ready(self) -> tuple[HubertModel, Grid]:
        if self._model is None or self._grid is None:
            raise RuntimeError("this tokenizer has no model yet: call load(folder) first")
        return self._model, self._grid

    def _sample(self, clips: Sequence[np.ndarray], seed: int) -> list[np.ndarray]:
        """Clips of a frame or more, in an order drawn from seed and content, until they make up `training.seconds`."""
        usable = [checked(clip) for clip in clips if len(clip) >= self._hop]
        if not usable:
            raise ValueError(f"none of the {len(clips)} clips is as long as one frame ({1 / self.rate:g} s)")
        chosen, room = [], self.training.seconds * SAMPLE_RATE
        for clip in sorted(usable, key=lambda clip: blake2b(clip.tobytes(), key=str(seed).encode()).digest()):
            if room >= self._hop:
                chosen.append(clip[: int(room)])
                room -= len(clip)
        return chosen

    def _spread(self, clips: Sequence[np.ndarray]) -> np.ndarray:
        """Features of the clips, float32 [frames, width], evenly thinned to what k-means needs."""
        features = np.concatenate([self.features(clip) for clip in clips])
        return features[:: -(-len(features) // CODEBOOK_FRAMES)]


def normalised(samples: np.ndarray) -> np.ndarray:
    """Zero mean and unit variance, float32 [n_samples], as HuBERT's feature extractor does; silence stays zero."""
    centred = samples.astype(np.float32) - np.float32(samples.sum(dtype=np.float64) / len(samples))
    return centred * np.float32(1 / np.sqrt(np.dot(centred, centred) / len(centred) + 1e-7))
