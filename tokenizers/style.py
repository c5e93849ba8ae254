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
from weft.schemas.settings import Settings
from weft.tokenizers.base import SAMPLE_RATE, SpeechTokenizer
from weft.tokenizers.features.grid import Grid
from weft.tokenizers.hubert import normalised
from weft.tokenizers.models import folder as folders
from weft.tokenizers.stream import Speech

if TYPE_CHECKING:  # a recipe is checked without torch; whoever trains or encodes imports it
    import torch

    from weft.tokenizers.models.checkpoint import Encoder
    from weft.tokenizers.models.style_encoder import StyleEncoder

_SHORTEST = 1600  # samples; less has no style
_STEPS = 100  # of features a second


class Training(Settings):
    """On at most `seconds` of the corpus, two stretches of `crop_seconds` of each of `batch` clips a step."""

    seconds: float = Field(default=3600, gt=0)
    steps: int = Field(default=400, ge=1)
    batch: int = Field(default=24, ge=2)
    crop_seconds: float = Field(default=1.0, ge=0.1)
    lr: float = Field(default=2e-3, gt=0)
    width: int = Field(default=96, ge=8)


class Tokenizer(SpeechTokenizer):
    """A code a second, and one for what is left at the end if it is a tenth of one. They are not deduplicated: a second is a beat of
    the merged stream.

    Another's `model` is read from where it lies, each time; only the centroids are in the trained folder.
    """

    learns_from: ClassVar[tuple[str, ...]] = ("emotion", "speaker")

    rate: float = Field(default=1.0, ge=1, le=1)
    size: int = Field(default=100, ge=2)
    literal: str = "[St{}]"
    dedup: bool = False
    model: folders.Checkpoint = ""
    layer: int = Field(default=9, ge=1)
    training: Training = Training()

    _encoder: "StyleEncoder | None" = PrivateAttr(None)
    _foreign: "tuple[Encoder, Grid] | None" = PrivateAttr(None)
    _centroids: np.ndarray | None = PrivateAttr(None)
    _checksum: str = PrivateAttr("")

    @property
    def training_seconds(self) -> float:
        return self.training.seconds

    def train(self, speech: Sequence[Speech], folder: Path, seed: int) -> None:
        """Raises ValueError for too little speech. The same for the same speech in any order."""
        import torch

        from weft.tokenizers.models import kmeans
        from weft.tokenizers.models.checkpoint import load_encoder
        from weft.tokenizers.training.loop import unfinished

        usable = self._usable(speech)
        with unfinished(folder, self.model_dump(mode="json"), seed, [one.name for one in usable]) as kept:
            if self.model:
                self._foreign, tensors = load_encoder(self.model, self.layer), {}
            else:
                self._encoder = self._trained(usable, seed, kept)
                tensors = {f"encoder.{name}": tensor for name, tensor in self._encoder.state_dict().items()}
            seconds = np.concatenate([self._seconds(one.samples) for one in usable] or [np.zeros((0, 1))])
            centroids = kmeans.fit(seconds.astype(np.float32), self.size, seed)
            folders.save(
                folder, self, {**tensors, "centroids": torch.from_numpy(centroids)}, {"model": self._model_content}
            )
        self.load(folder)

    def load(self, folder: Path) -> None:
        import torch

        from weft.tokenizers.models.checkpoint import checksum, load_encoder
        from weft.tokenizers.models.style_encoder import StyleEncoder

        tensors, known, self._checksum = folders.load(folder)
        folders.check_settings(folder, self, "layer")
        centroids = tensors.pop("centroids", torch.zeros(0, 0)).numpy()
        folders.check_finite(folder, centroids)
        if len(centroids) != self.size:
            raise ValueError(f"{folder}: it has {len(centroids)} codes, but `size` is {self.size}")
        self._foreign = load_encoder(self.model, self.layer) if self.model else None
        if known.get("model") != self._model_content:
            raise ValueError(f"{folder}: its centroids are of another `model` than {self.model or 'none'}")
        self._centroids = centroids
        if self._foreign:
            self._checksum = checksum(self._foreign[0], {"centroids": centroids})
            return
        self._encoder = StyleEncoder(self.training.width)
        folders.fill(self._encoder, {name.removeprefix("encoder."): t for name, t in tensors.items()}, folder)

    def frames(self, n_samples: int) -> int:
        """Seconds begun; a rest that is too short to have a style belongs to the second before it."""
        return (n_samples + SAMPLE_RATE - _SHORTEST) // SAMPLE_RATE

    def version(self) -> str:
        backends = ("transformers", "pyworld-prebuilt", "scipy", "torch")
        made = "+".join(("style-5", *(f"{backend}-{version_of(backend)}" for backend in backends)))
        return f"{made} {self._model_content}" if self.model else made

    @property
    def checksum(self) -> str:
        return self._checksum

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
        """States [frames, width] and how many there are a second."""
        import torch

        from weft.tokenizers.models import layers
        from weft.tokenizers.models.style_encoder import DOWN, features_of

        if self._foreign:
            model, grid = self._foreign
            (states,) = layers.in_windows(model, grid, [normalised(samples)])
            return states, SAMPLE_RATE / grid.hop
        assert self._encoder is not None
        with torch.inference_mode():
            return self._encoder(torch.from_numpy(features_of(samples))[None])[0].numpy(), _STEPS / DOWN

    def _trained(self, speech: Sequence[Speech], seed: int, kept: Path) -> "StyleEncoder":
        import torch

        from weft.tokenizers.models.style_encoder import Teacher, features_of, kinds_of
        from weft.tokenizers.training.loop import fit, seeded

        long = [one for one in speech if len(one.samples) >= self.training.crop_seconds * SAMPLE_RATE]
        if len(long) < 2:
            raise ValueError(f"{len(long)} clips of {self.training.crop_seconds:g} s or more: give more speech")
        features = [features_of(one.samples) for one in long]
        labels, numbers = kinds_of(long)
        with seeded(seed):
            teacher = Teacher(self.training.width, labels)
        every = np.concatenate(features)
        teacher.encoder.centre.copy_(torch.from_numpy(every.mean(0)))
        teacher.encoder.scale.copy_(torch.from_numpy(every.std(0) + 1e-3))

        def loss(step: int) -> "torch.Tensor":
            rng = np.random.default_rng([seed, step])
            chosen = rng.choice(len(long), min(self.training.batch, len(long)), replace=False)
            one, two = (self._stretches([features[n] for n in chosen], rng) for _ in range(2))
            return teacher.loss(one, two, torch.from_numpy(numbers[chosen]))

        fit(teacher, loss, self.training.steps, self.training.lr, kept / "training")
        return teacher.encoder

    def _stretches(self, features: Sequence[np.ndarray], rng: np.random.Generator) -> "torch.Tensor":
        import torch

        count = round(self.training.crop_seconds * _STEPS)
        firsts = [rng.integers(0, len(one) - count + 1) for one in features]
        return torch.from_numpy(
            np.stack([one[first : first + count] for one, first in zip(features, firsts, strict=True)])
        )
