"""The base of every speech tokenizer: speech in, ids and their durations in frames out.

    ids        17  3 88 17        one id for each run of equal frames (with `dedup`)
    durations   2  1  4  1        frames of 1/rate seconds; they sum to frames(n_samples)

A backend gives `_ids` (an id a frame), `frames`, `train`, `load` and `version`. The base checks speech and ids, joins runs of equal
ids, and keeps the order. A tokenizer that is trained here derives from `TrainedTokenizer` (models/trained.py).
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field, field_validator

from weft.schemas.faults import TooLittleData
from weft.schemas.ledger import Unusable
from weft.schemas.resources import Resources
from weft.schemas.settings import Versioned
from weft.schemas.vocabulary import spelt
from weft.tokenizers.stream import Speech, Stream, deduplicate, frame_by_frame

SAMPLE_RATE = 16_000


class SpeechTokenizer(Versioned, ABC):
    """Fields are settings: `rate` in frames a second, `size` codes, and `literal`, the text of a code with its number at {}.

    `learns_from` names the fields of speech that `train` uses besides the samples, such as `text`; it is trained again when they
    change. Settings of the type `Checkpoint` name files or folders that `train` reads; their content is part of the fingerprint, their
    path is not.
    """

    learns_from: ClassVar[tuple[str, ...]] = ()

    rate: float = Field(gt=0)
    size: int = Field(ge=1)
    literal: str
    dedup: bool = True

    @field_validator("literal")
    @classmethod
    def _distinct_literals(cls, literal: str) -> str:
        if spelt(literal, 0) == spelt(literal, 1):
            raise ValueError(f"{literal!r} is the same for all codes: write {{}} where the number goes, as in [Hu{{}}]")
        if spelt(literal, 0).isdigit():
            raise ValueError(f"{literal!r} does not show where a code ends: write more than digits, as in [Hu{{}}]")
        return literal

    @property
    def training_seconds(self) -> float:
        """Seconds of audio that `train` uses at most; 0 when it needs none."""
        return 0.0

    @property
    def made_from(self) -> tuple[str, ...]:
        """The checkpoints that the settings name."""
        return tuple(at for _, at in self.checkpoint_settings())

    @property
    def batch_seconds(self) -> float:
        """Seconds of audio that `encode_all` should get at once; 0 for one clip at a time."""
        return 0.0

    @property
    def resources(self) -> Resources:
        """CPUs and GPUs of one worker that encodes."""
        return Resources()

    @property
    def checksum(self) -> str:
        """A checksum of the loaded model."""
        return ""

    def encode(self, speech: Speech) -> Stream:
        """The stream of one clip. Raises Unusable for a clip that cannot be encoded."""
        (stream,) = self.encode_all([speech])
        if isinstance(stream, Unusable):
            raise stream
        return stream

    def encode_all(self, speech: Sequence[Speech]) -> Iterator[Stream | Unusable]:
        """The stream of each clip, or why it cannot be encoded, in order. Durations sum to `frames(n_samples)`.

        Samples that are not one row of finite floats, or shorter than a frame, cannot be encoded. Raises RuntimeError when no model was
        loaded, or when a backend gives ids beyond `size`, not one a frame, or not `rate` a second: words would shift.
        """
        faults = [self._fault(one.samples) for one in speech]
        valid = [one for one, fault in zip(speech, faults, strict=True) if not fault]
        ids = iter(self._ids([replace(one, samples=np.ascontiguousarray(one.samples, np.float32)) for one in valid]))
        for one, fault in zip(speech, faults, strict=True):
            yield Unusable("not_encodable", fault) if fault else self._stream(len(one.samples), next(ids, None))

    def _usable(self, speech: Sequence[Speech]) -> list[Speech]:
        """The clips that can be encoded, ordered by content. Raises TooLittleData without clips, ValueError where all are too short."""
        if not speech:
            raise TooLittleData(
                "its sources gave no speech to learn from; `weft rejects CORPUS` lists what was rejected"
            )
        usable = sorted((one for one in speech if not self._fault(one.samples)), key=lambda one: one.name)
        if not usable:
            raise ValueError(f"none of the {len(speech)} clips is as long as one frame ({1 / self.rate:g} s)")
        return usable

    def _fault(self, samples: np.ndarray) -> str:
        if fault := fault_of(samples):
            return fault
        if self.frames(len(samples)) < 1:
            return f"audio of {len(samples)} samples is shorter than one frame ({1 / self.rate:g} s)"
        return ""

    def _stream(self, n_samples: int, ids: np.ndarray | Unusable | None) -> Stream | Unusable:
        if isinstance(ids, Unusable):
            return ids
        count, name = self.frames(n_samples), self.called
        if ids is None:
            raise RuntimeError(f"{name} gave no ids for a clip of {count} frames")
        if ids.shape != (count,):
            raise RuntimeError(f"{name} gave {ids.shape} ids for {count} frames")
        if abs(count - n_samples / SAMPLE_RATE * self.rate) > 1:
            raise RuntimeError(f"{name} gave {count} frames of {self.rate:g} Hz for {n_samples / SAMPLE_RATE:.3f} s")
        if ids.min() < 0 or ids.max() >= self.size:
            raise RuntimeError(f"{name} gave ids beyond its {self.size} codes")
        return deduplicate(self.rate, ids) if self.dedup else frame_by_frame(self.rate, ids)

    def features(self, clips: Sequence[np.ndarray]) -> list[np.ndarray]:
        """What the network makes of each clip before it becomes codes, float32 [frames, width]; a tokenizer without one has none.

        Raises ValueError.
        """
        raise ValueError(
            f"a tokenizer of the kind {self.called} has no network whose output could be used as latent audio"
        )

    @abstractmethod
    def train(self, speech: Sequence[Speech], folder: Path, seed: int) -> None:
        """Learns from speech and writes the model into `folder`: the same for the same speech in any order."""

    @abstractmethod
    def load(self, folder: Path) -> None:
        """Loads what `train` wrote, to encode. Raises ValueError where it does not fit the settings."""

    @abstractmethod
    def frames(self, n_samples: int) -> int:
        """The number of frames of `n_samples` samples."""

    @abstractmethod
    def version(self) -> str:
        """The backend and its version, the same before and after `load`. When it changes, everything is encoded again."""

    @abstractmethod
    def _ids(self, speech: Sequence[Speech]) -> Iterator[np.ndarray | Unusable]:
        """For each clip, in order, one id in [0, size) a frame; or why it cannot be encoded. The clips have been checked."""


def fault_of(samples: np.ndarray) -> str:
    """Why samples cannot be encoded: they are not one row of finite floats. "" for valid samples."""
    if samples.ndim != 1:
        return f"audio has shape {samples.shape}; one channel [n_samples] is wanted, so mix it down first"
    if not np.issubdtype(samples.dtype, np.floating):
        return f"audio is {samples.dtype}; floats within -1…1 are wanted"
    if not np.isfinite(samples).all():
        return f"audio has {np.count_nonzero(~np.isfinite(samples))} samples that are not finite numbers"
    return ""
