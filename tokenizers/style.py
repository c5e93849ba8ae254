"""Style codes: how something is said, once a second (Spirit LM Expressive, §2.3: mean-pooled style features, k-means 100).

    Tokenizer()                                        an encoder trained on emotions and speakers, or on neither
    Tokenizer(model="/models/wav2vec2-style", layer=9)  any HuBERT's or wav2vec2's layer

encode(samples[40000])  ->  ids 71 71 68: of seconds 0 to 1, 1 to 2 and 2 to 2.5
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field, PrivateAttr

from weft.schemas.fingerprint import content, version_of
from weft.schemas.settings import Rate, Settings
from weft.tokenizers.base import SAMPLE_RATE
from weft.tokenizers.features.grid import Grid
from weft.tokenizers.hubert import normalised
from weft.tokenizers.models.folder import Checkpoint, fill
from weft.tokenizers.models.learned import Learned, prefixed
from weft.tokenizers.models.trained import TrainedTokenizer
from weft.tokenizers.stream import Speech
from weft.tokenizers.training.optimiser_settings import AdamW

if TYPE_CHECKING:  # a recipe is checked without torch; whoever trains or encodes imports it
    import torch

    from weft.tokenizers.models.checkpoint import LayeredModel
    from weft.tokenizers.models.style_encoder import StyleEncoder
    from weft.tokenizers.training.loop import ResumableRun

_SHORTEST = 1600  # samples; less has no style
_STEPS = 100  # of features a second


class StyleTraining(Settings):
    """On at most `seconds` of the corpus, in batches of two crops of `crop_seconds` of each of `batch` clips."""

    seconds: float = Field(default=3600, gt=0)
    steps: int = Field(default=400, ge=1)
    batch: int = Field(default=24, ge=2)
    crop_seconds: float = Field(default=1.0, ge=0.1)
    lr: Rate = 2e-3
    width: int = Field(default=96, ge=8)
    adamw: AdamW = AdamW()


class Tokenizer(TrainedTokenizer):
    """A code a second, and one for a remainder of at least 0.1 s. Codes are not deduplicated: the merged stream has one each second.

    A checkpoint given as `model` is read from its own folder each time; only the centroids are in the trained folder.
    """

    learns_from: ClassVar[tuple[str, ...]] = ("emotion", "speaker")

    rate: float = Field(default=1.0, ge=1, le=1)
    size: int = Field(default=100, ge=2)
    literal: str = "[St{}]"
    dedup: bool = False
    model: Checkpoint = ""
    layer: int = Field(default=9, ge=1)
    training: StyleTraining = StyleTraining()

    _encoder: "StyleEncoder | None" = PrivateAttr(None)
    _checkpoint: "tuple[LayeredModel, Grid] | None" = PrivateAttr(None)
    _centroids: np.ndarray | None = PrivateAttr(None)

    @property
    def training_seconds(self) -> float:
        return self.training.seconds

    def _learn(self, speech: Sequence[Speech], run: "ResumableRun") -> Learned:
        import torch

        from weft.tokenizers.models import kmeans
        from weft.tokenizers.models.checkpoint import load_encoder

        tensors: dict[str, torch.Tensor] = {}
        if self.model:
            self._checkpoint = load_encoder(self.model, self.layer)
        else:
            self._encoder = self._trained_encoder(speech, run)
            tensors = prefixed("encoder", self._encoder.state_dict())
        seconds = np.concatenate([self._seconds(one.samples) for one in speech])
        tensors["centroids"] = torch.from_numpy(kmeans.fit(seconds.astype(np.float32), self.size, run.seed))
        return Learned(tensors=tensors, facts={"model": self._model_content})

    def _use(self, learned: Learned, folder: Path) -> None:
        from weft.tokenizers.models.checkpoint import load_encoder
        from weft.tokenizers.models.style_encoder import StyleEncoder

        if self.model:
            self._checkpoint = load_encoder(self.model, self.layer)
            width = self._checkpoint[0].config.hidden_size
        if learned.facts.get("model") != self._model_content:
            raise ValueError(f"{folder}: its centroids are of another `model` than {self.model or 'none'}")
        if not self.model:
            self._encoder, width = StyleEncoder(self.training.width), self.training.width
            fill(self._encoder, learned.part("encoder"), folder)
        self._centroids = learned.centroids(folder, self.size, width)

    @property
    def _decisive_settings(self) -> tuple[str, ...]:
        return ("layer",)

    def frames(self, n_samples: int) -> int:
        """Seconds, rounded up; a remainder under 0.1 s belongs to the second before it."""
        return (n_samples + SAMPLE_RATE - _SHORTEST) // SAMPLE_RATE

    def version(self) -> str:
        backends = ("transformers", "pyworld-prebuilt", "scipy", "torch")
        libraries = "+".join(("style-6", *(f"{backend}-{version_of(backend)}" for backend in backends)))
        return f"{libraries} {self._model_content}" if self.model else libraries

    @property
    def _model_content(self) -> str:
        return content(self.model) if self.model else ""

    def _ids(self, speech: Sequence[Speech]) -> Iterator[np.ndarray]:
        from weft.tokenizers.models import kmeans

        if self._centroids is None:
            raise RuntimeError("this tokenizer has no model yet: call load(folder) first")
        for one in speech:
            yield kmeans.assign(self._seconds(one.samples), self._centroids)

    def _seconds(self, samples: np.ndarray) -> np.ndarray:
        """The mean of the states of each second, float32 [frames, width]."""
        states, rate = self._states(samples)
        count = self.frames(len(samples))
        firsts = [min(round(second * rate), len(states) - 1) for second in range(count)]
        return np.stack([states[a:b].mean(0) for a, b in zip(firsts, [*firsts[1:], len(states)], strict=True)])

    def _states(self, samples: np.ndarray) -> tuple[np.ndarray, float]:
        """States [frames, width] and their rate in Hz."""
        import torch

        from weft.tokenizers.models import layers
        from weft.tokenizers.models.style_encoder import DOWN, features_of

        if self._checkpoint:
            model, grid = self._checkpoint
            (states,) = layers.states_of(model, grid, [normalised(samples)])
            return states, SAMPLE_RATE / grid.hop
        assert self._encoder is not None
        with torch.inference_mode():
            return self._encoder(torch.from_numpy(features_of(samples))[None])[0].numpy(), _STEPS / DOWN

    def _trained_encoder(self, speech: Sequence[Speech], run: "ResumableRun") -> "StyleEncoder":
        import torch

        from weft.tokenizers.models.style_encoder import StyleClassifier, features_of, labels_of
        from weft.tokenizers.training.loop import fit, seeded

        long = [one for one in speech if len(one.samples) >= self.training.crop_seconds * SAMPLE_RATE]
        if len(long) < 2:
            raise ValueError(f"{len(long)} clips of {self.training.crop_seconds:g} s or more: give more speech")
        features = [features_of(one.samples) for one in long]
        labels, numbers = labels_of(long)
        with seeded(run.seed):
            learner = StyleClassifier(self.training.width, labels)
        learner.encoder.set_scale(features)

        def loss(step: int) -> "torch.Tensor":
            rng = np.random.default_rng([run.seed, step])
            clips = rng.choice(len(long), min(self.training.batch, len(long)), replace=False)
            first, second = (self._crops([features[n] for n in clips], rng) for _ in range(2))
            return learner.loss(first, second, torch.from_numpy(numbers[clips]))

        fit(
            learner,
            loss,
            steps=self.training.steps,
            lr=self.training.lr,
            state=run.state("training"),
            adamw=self.training.adamw,
        )
        return learner.encoder

    def _crops(self, features: Sequence[np.ndarray], rng: np.random.Generator) -> "torch.Tensor":
        import torch

        count = round(self.training.crop_seconds * _STEPS)
        firsts = [rng.integers(0, len(one) - count + 1) for one in features]
        return torch.from_numpy(
            np.stack([one[first : first + count] for one, first in zip(features, firsts, strict=True)])
        )
