"""What every speech tokenizer is: speech in, ids and their durations in frames out.

    ids        17  3 88 17        one id a run of equal frames (with `dedup`)
    durations   2  1  4  1        frames of 1/rate seconds; they sum to frames(n_samples)

A leaf gives `_ids` (an id a frame), `frames`, `train`, `load` and `version`; checks, runs and the order are looked after here.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field, field_validator

from weft.schemas.ledger import Unusable
from weft.schemas.resources import Resources
from weft.schemas.settings import Versioned
from weft.schemas.vocabulary import spelt
from weft.tokenizers.stream import Speech, Stream, deduplicate, frame_by_frame

SAMPLE_RATE = 16_000


class SpeechTokenizer(Versioned, ABC):
    """Fields are settings: `rate` frames a second, `size` codes, each spelt `literal` with its number in it.

    `learns_from` names what `train` wants to know of speech besides its samples, such as `text`: where that changes, it is
    trained anew. Settings of the type `Checkpoint` say which files or folders from elsewhere `train` reads: what is in them counts,
    not where they lie.
    """

    learns_from: ClassVar[tuple[str, ...]] = ()

    rate: float = Field(gt=0)
    size: int = Field(ge=1)
    literal: str
    dedup: bool = True

    @field_validator("literal")
    @classmethod
    def _spells(cls, literal: str) -> str:
        if spelt(literal, 0) == spelt(literal, 1):
            raise ValueError(f"{literal!r} spells all codes alike: it wants {{}} where the number goes, as in [Hu{{}}]")
        if spelt(literal, 0).isdigit():
            raise ValueError(f"{literal!r} leaves open where a code ends: it wants more than digits, as in [Hu{{}}]")
        return literal

    @property
    def training_seconds(self) -> float:
        """How much audio `train` wants to hear, in seconds; 0 when it needs none."""
        return 0.0

    @property
    def made_from(self) -> tuple[str, ...]:
        """The checkpoints that there are."""
        return tuple(at for _, at in self.checkpoint_settings())

    @property
    def batch_seconds(self) -> float:
        """How much audio `encode_all` likes at a time; 0 for a clip after another."""
        return 0.0

    @property
    def resources(self) -> Resources:
        """What one worker that encodes holds."""
        return Resources()

    @property
    def checksum(self) -> str:
        """The name of the loaded weights."""
        return ""

    def encode(self, speech: Speech) -> Stream:
        """As `encode_all`, of one. Raises Unusable for what cannot be encoded."""
        (found,) = self.encode_all([speech])
        if isinstance(found, Unusable):
            raise found
        return found

    def encode_all(self, speech: Sequence[Speech]) -> Iterator[Stream | Unusable]:
        """The stream of each, or what is wrong with it, in order.

        RuntimeError when nothing was loaded, or when a leaf gives ids that are not its own, not one a frame, or not `rate` a second:
        words would shift.

        Durations sum to `frames(n_samples)`. Wrong is what is not one row of finite floats, or shorter than a frame.
        """
        faults = [self._fault(one.samples) for one in speech]
        sound = [one for one, fault in zip(speech, faults, strict=True) if not fault]
        ids = iter(self._ids([replace(one, samples=np.ascontiguousarray(one.samples, np.float32)) for one in sound]))
        for one, fault in zip(speech, faults, strict=True):
            yield Unusable("not_encodable", fault) if fault else self._stream(len(one.samples), next(ids))

    def _usable(self, speech: Sequence[Speech]) -> list[Speech]:
        """What can be encoded, in the order of its content: the same whatever order it came in."""
        return sorted((one for one in speech if not self._fault(one.samples)), key=lambda one: one.name)

    def _fault(self, samples: np.ndarray) -> str:
        if fault := fault_of(samples):
            return fault
        if self.frames(len(samples)) < 1:
            return f"audio of {len(samples)} samples is shorter than one frame ({1 / self.rate:g} s)"
        return ""

    def _stream(self, n_samples: int, ids: np.ndarray | Unusable) -> Stream | Unusable:
        if isinstance(ids, Unusable):
            return ids
        count, name = self.frames(n_samples), type(self).__module__
        if ids.shape != (count,):
            raise RuntimeError(f"{name} gave {ids.shape} ids for {count} frames")
        if abs(count - n_samples / SAMPLE_RATE * self.rate) > 1:
            raise RuntimeError(f"{name} gave {count} frames of {self.rate:g} Hz for {n_samples / SAMPLE_RATE:.3f} s")
        if ids.min() < 0 or ids.max() >= self.size:
            raise RuntimeError(f"{name} gave ids beyond its {self.size} codes")
        return deduplicate(self.rate, ids) if self.dedup else frame_by_frame(self.rate, ids)

    @abstractmethod
    def train(self, speech: Sequence[Speech], folder: Path, seed: int) -> None:
        """Learn from speech and write the model into `folder`: the same for the same speech in any order."""

    @abstractmethod
    def load(self, folder: Path) -> None:
        """Make ready to encode with what `train` wrote. Raises ValueError for what does not fit the settings."""

    @abstractmethod
    def frames(self, n_samples: int) -> int:
        """How many frames audio of so many samples has."""

    @abstractmethod
    def version(self) -> str:
        """The backend and its version, the same before and after `load`: a change of it makes all ids stale."""

    @abstractmethod
    def _ids(self, speech: Sequence[Speech]) -> Iterator[np.ndarray | Unusable]:
        """One id in [0, size) a frame, of each of several that have been checked, in order; or why there are none."""


def fault_of(samples: np.ndarray) -> str:
    """What is wrong with samples that are not one row of finite floats."""
    if samples.ndim != 1:
        return f"audio has shape {samples.shape}; one channel [n_samples] is wanted, so mix it down first"
    if not np.issubdtype(samples.dtype, np.floating):
        return f"audio is {samples.dtype}; floats within -1…1 are wanted"
    if not np.isfinite(samples).all():
        return f"audio has {np.count_nonzero(~np.isfinite(samples))} samples that are not finite numbers"
    return ""
