"""Pitch codes: how far the voice is above or below its speaker's mean, by a VQ-VAE over F0 (Spirit LM Expressive, §2.3).

encode(Speech(samples[16000], speaker="s1"))  ->  ids 14 14 3 9 …, 12 frames of 0.08 s

Besides the VQ-VAE it learns the standard deviation of F0 from the speaker's mean, and each speaker's mean in Hz. In another corpus the
speakers' means are removed, and each utterance is centred by its own mean.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field, PrivateAttr

from weft.schemas.fingerprint import version_of
from weft.schemas.settings import Rate, Settings
from weft.tokenizers.features.f0 import STEP, f0, interpolated
from weft.tokenizers.models.folder import fill
from weft.tokenizers.models.learned import Learned
from weft.tokenizers.models.trained import TrainedTokenizer
from weft.tokenizers.stream import Speech
from weft.tokenizers.training.optimiser_settings import AdamW

if TYPE_CHECKING:  # a recipe is checked without torch; whoever trains or encodes imports it
    import torch

    from weft.tokenizers.models.vqvae import VqVae
    from weft.tokenizers.training.loop import ResumableRun

DOWN = 16  # steps of F0 that become a code: vqvae.py halves their number four times
HOP = STEP * DOWN  # samples of a code


class PitchTraining(Settings):
    """On at most `seconds` of the corpus, in batches of `batch` crops of `crop_seconds`."""

    seconds: float = Field(default=3600, gt=0)
    steps: int = Field(default=1000, ge=1)
    batch: int = Field(default=16, ge=1)
    crop_seconds: float = Field(default=2.56, gt=0.08)
    lr: Rate = 2e-3
    width: int = Field(default=64, ge=4)
    adamw: AdamW = AdamW()


class Tokenizer(TrainedTokenizer):
    """A code every 0.08 s. Speech of a speaker that was not in the training set is centred by its own mean, as in Spirit LM."""

    learns_from: ClassVar[tuple[str, ...]] = ("speaker",)

    rate: float = Field(default=12.5, ge=12.5, le=12.5)
    size: int = Field(default=64, ge=2)
    literal: str = "[Pi{}]"
    training: PitchTraining = PitchTraining()

    _model: "VqVae | None" = PrivateAttr(None)
    _means: dict[str, float] = PrivateAttr(default_factory=dict)
    _spread: float = PrivateAttr(1.0)

    @property
    def training_seconds(self) -> float:
        return self.training.seconds

    def _learn(self, speech: Sequence[Speech], run: "ResumableRun") -> Learned:
        """Raises ValueError where no clip holds a voiced sound."""
        from weft.tokenizers.models.vqvae import VqVae
        from weft.tokenizers.training.loop import fit, seeded

        f0_tracks = [f0(one.samples) for one in speech]
        voiced = [track[track > 0] for track in f0_tracks]
        if not sum(map(len, voiced)):
            raise ValueError(f"none of the {len(speech)} clips holds a voiced sound")
        self._means = _means(speech, voiced)
        deviations = [hertz - self._centre(one, hertz) for one, hertz in zip(speech, voiced, strict=True)]
        self._spread = float(np.concatenate(deviations).std())
        tracks = np.concatenate([self._tracks(s, track) for s, track in zip(speech, f0_tracks, strict=True)], axis=1)
        with seeded(run.seed):
            model = VqVae(self.size, self.training.width)

        def loss(step: int) -> "torch.Tensor":
            return model.loss(self._batch(tracks, run.seed, step))

        fit(
            model,
            loss,
            steps=self.training.steps,
            lr=self.training.lr,
            state=run.state("training"),
            adamw=self.training.adamw,
        )
        return Learned(tensors=model.state_dict(), facts={"spread": self._spread, "speakers": self._means})

    def _use(self, learned: Learned, folder: Path) -> None:
        from weft.tokenizers.models.vqvae import VqVae

        model = VqVae(self.size, self.training.width)
        fill(model, learned.tensors, folder)
        try:
            means, spread = dict(learned.facts["speakers"]), float(learned.facts["spread"])
        except (KeyError, TypeError, ValueError):
            raise ValueError(f"{folder}: its config.json has no `speakers` and `spread`") from None
        self._model, self._means, self._spread = model, means, spread

    def frames(self, n_samples: int) -> int:
        return n_samples // HOP

    def version(self) -> str:
        return f"pitch-3+world-{version_of('pyworld-prebuilt')}+torch-{version_of('torch')}"

    def _ids(self, speech: Sequence[Speech]) -> Iterator[np.ndarray]:
        import torch

        for one in speech:
            if self._model is None:
                raise RuntimeError("this tokenizer has no model yet: call load(folder) first")
            with torch.inference_mode():
                tracks = torch.from_numpy(self._tracks(one, f0(one.samples)))[None]
                yield self._model(tracks)[0].numpy().astype(np.int32)

    def decoded(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What codes [frames] stand for, every 5 ms: Hz above the speaker's mean, and the probability that it is voiced."""
        import torch

        assert self._model is not None
        with torch.inference_mode():
            value, voiced = self._model.decoded(torch.from_numpy(ids.astype(np.int64))[None])[0]
        return value.numpy() * self._spread, voiced.sigmoid().numpy()

    def _centre(self, one: Speech, voiced: np.ndarray) -> float:
        return self._means.get(one.speaker, float(voiced.mean()) if len(voiced) else 0.0)

    def _tracks(self, one: Speech, hertz: np.ndarray) -> np.ndarray:
        """F0 above the speaker's mean, in standard deviations, and whether it is voiced: float32 [2, 16 frames]."""
        length = self.frames(len(one.samples)) * DOWN
        voiced = hertz > 0
        above = np.zeros(len(hertz))
        if voiced.any():
            above = (interpolated(hertz) - self._centre(one, hertz[voiced])) / self._spread
        return np.stack([above, voiced])[:, :length].astype(np.float32)

    def _batch(self, tracks: np.ndarray, seed: int, step: int) -> "torch.Tensor":
        import torch

        count = min(round(self.training.crop_seconds * self.rate) * DOWN, tracks.shape[1])
        firsts = np.random.default_rng([seed, step]).integers(0, tracks.shape[1] - count + 1, self.training.batch)
        return torch.from_numpy(np.stack([tracks[:, first : first + count] for first in firsts]))


def _means(speech: Sequence[Speech], voiced: Sequence[np.ndarray]) -> dict[str, float]:
    """Each known speaker's mean F0 in Hz."""
    by_speaker: dict[str, list[np.ndarray]] = {}
    for one, hertz in zip(speech, voiced, strict=True):
        if one.speaker and len(hertz):
            by_speaker.setdefault(one.speaker, []).append(hertz)
    return {speaker: float(np.concatenate(several).mean()) for speaker, several in sorted(by_speaker.items())}
