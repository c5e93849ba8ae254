"""Pitch codes: how far the voice is above or below its speaker's mean, by a VQ-VAE over F0 (Spirit LM Expressive, §2.3).

encode(Speech(samples[16000], speaker="s1"))  ->  ids 14 14 3 9 …, 12 frames of 0.08 s

What is known besides the VQ-VAE is how far F0 lies from its mean, and each speaker's mean in Hz in the corpus it was trained in; taken
to another, it centres each utterance by its own.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field, PrivateAttr

from weft.schemas.fingerprint import version_of
from weft.schemas.settings import Settings
from weft.tokenizers.base import SpeechTokenizer
from weft.tokenizers.features.f0 import STEP, f0, filled_in
from weft.tokenizers.models.folder import fill, load, save
from weft.tokenizers.stream import Speech

if TYPE_CHECKING:  # a recipe is checked without torch; whoever trains or encodes imports it
    import torch

    from weft.tokenizers.models.vqvae import VqVae

DOWN = 16  # steps of F0 that become a code: vqvae.py halves them four times
HOP = STEP * DOWN  # samples of a code


class Training(Settings):
    """On at most `seconds` of the corpus, `batch` stretches of `crop_seconds` a step."""

    seconds: float = Field(default=3600, gt=0)
    steps: int = Field(default=1000, ge=1)
    batch: int = Field(default=16, ge=1)
    crop_seconds: float = Field(default=2.56, gt=0.08)
    lr: float = Field(default=2e-3, gt=0)
    width: int = Field(default=64, ge=4)


class Tokenizer(SpeechTokenizer):
    """A code every 0.08 s. A speaker that `train` did not hear is centred by the utterance's own mean, as Spirit LM does."""

    learns_from: ClassVar[tuple[str, ...]] = ("speaker",)

    rate: float = Field(default=12.5, ge=12.5, le=12.5)
    size: int = Field(default=64, ge=2)
    literal: str = "[Pi{}]"
    training: Training = Training()

    _model: "VqVae | None" = PrivateAttr(None)
    _means: dict[str, float] = PrivateAttr(default_factory=dict)
    _spread: float = PrivateAttr(1.0)
    _checksum: str = PrivateAttr("")

    @property
    def training_seconds(self) -> float:
        return self.training.seconds

    def train(self, speech: Sequence[Speech], folder: Path, seed: int) -> None:
        """Raises ValueError where nothing voiced is heard. The same for the same speech in any order."""
        from weft.tokenizers.models.vqvae import VqVae
        from weft.tokenizers.training.loop import fit, seeded, unfinished

        usable = self._usable(speech)
        found = [f0(one.samples) for one in usable]
        voiced = [track[track > 0] for track in found]
        if not sum(map(len, voiced)):
            raise ValueError(f"none of the {len(speech)} clips holds a voiced sound")
        self._means = _means(usable, voiced)
        self._spread = float(
            np.concatenate([v - self._centre(s, v) for s, v in zip(usable, voiced, strict=True)]).std()
        )
        tracks = np.concatenate([self._tracks(s, track) for s, track in zip(usable, found, strict=True)], axis=1)
        with unfinished(folder, self.model_dump(mode="json"), seed, [one.name for one in usable]) as kept:
            with seeded(seed):
                model = VqVae(self.size, self.training.width)
            fit(
                model,
                lambda step: model.loss(self._batch(tracks, seed, step)),
                self.training.steps,
                self.training.lr,
                kept / "training",
            )
            save(folder, self, model.state_dict(), {"spread": self._spread, "speakers": self._means})
        self.load(folder)

    def load(self, folder: Path) -> None:
        from weft.tokenizers.models.vqvae import VqVae

        tensors, known, self._checksum = load(folder)
        model = VqVae(self.size, self.training.width)
        fill(model, tensors, folder)
        try:
            self._model, self._means, self._spread = model, dict(known["speakers"]), float(known["spread"])
        except (KeyError, TypeError, ValueError):
            raise ValueError(f"{folder}: its known.json has no `speakers` and `spread`") from None

    def frames(self, n_samples: int) -> int:
        return n_samples // HOP

    def version(self) -> str:
        return f"pitch-2+world-{version_of('pyworld-prebuilt')}+torch-{version_of('torch')}"

    @property
    def checksum(self) -> str:
        return self._checksum

    def _ids(self, speech: Sequence[Speech]) -> Iterator[np.ndarray]:
        import torch

        for one in speech:
            if self._model is None:
                raise RuntimeError("this tokenizer has no model yet: call load(folder) first")
            with torch.inference_mode():
                tracks = torch.from_numpy(self._tracks(one, f0(one.samples)))[None]
                yield self._model(tracks)[0].numpy().astype(np.int32)

    def decoded(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What codes [frames] stand for every 5 ms: Hz above the speaker's mean, and how sure it is voiced (0 to 1)."""
        import torch

        assert self._model is not None
        with torch.inference_mode():
            value, voiced = self._model.decoded(torch.from_numpy(ids.astype(np.int64))[None])[0]
        return value.numpy() * self._spread, voiced.sigmoid().numpy()

    def _centre(self, one: Speech, voiced: np.ndarray) -> float:
        return self._means.get(one.speaker, float(voiced.mean()) if len(voiced) else 0.0)

    def _tracks(self, one: Speech, found: np.ndarray) -> np.ndarray:
        """F0 from the speaker's mean, and whether it is voiced: float32 [2, whole codes]."""
        length = self.frames(len(one.samples)) * DOWN
        voiced = found > 0
        above = (
            (filled_in(found) - self._centre(one, found[voiced])) / self._spread
            if voiced.any()
            else np.zeros(len(found))
        )
        return np.stack([above, voiced])[:, :length].astype(np.float32)

    def _batch(self, tracks: np.ndarray, seed: int, step: int) -> "torch.Tensor":
        import torch

        count = min(round(self.training.crop_seconds * self.rate) * DOWN, tracks.shape[1])
        firsts = np.random.default_rng([seed, step]).integers(0, tracks.shape[1] - count + 1, self.training.batch)
        return torch.from_numpy(np.stack([tracks[:, first : first + count] for first in firsts]))


def _means(speech: Sequence[Speech], voiced: Sequence[np.ndarray]) -> dict[str, float]:
    """Each known speaker's mean F0 in Hz."""
    heard: dict[str, list[np.ndarray]] = {}
    for one, values in zip(speech, voiced, strict=True):
        if one.speaker and len(values):
            heard.setdefault(one.speaker, []).append(values)
    return {speaker: float(np.concatenate(several).mean()) for speaker, several in sorted(heard.items())}
