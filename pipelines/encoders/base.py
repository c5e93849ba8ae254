"""An audio encoder, as the data needs it: how many placeholder tokens stand for audio that the model gets as latents.

Encoder().placeholders(400_000)  ->  313      25 s at 16 kHz; 25 frames a second, of which the adaptor makes half

A backend gives `frames`; with `load` and `encode` the trainer can use it. A build loads no model.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from weft.schemas.fingerprint import digest
from weft.schemas.settings import Versioned
from weft.tokenizers.base import SpeechTokenizer

SAMPLE_RATE = 16_000


class Encoder(Versioned, ABC):
    """`chunk`: seconds of audio that go through the encoder at once. Longer audio is cut into chunks, each in markers of its own.

    `stride` frames become one vector in the adaptor, a convolution of kernel 3.
    """

    stride: ClassVar[int] = 2

    chunk: float = Field(default=25.0, gt=0)

    def use_tokenizers(self, tokenizers: Mapping[str, SpeechTokenizer]) -> None:
        """Takes what it needs of the recipe's tokenizers. Raises ValueError where that is missing."""

    def load(self, folder: Callable[[str], Path]) -> None:
        """Loads the network, to encode; `folder` gives that of a model of the corpus. Raises ValueError where there is none."""
        raise ValueError(f"{self._stated} counts placeholders and has no network here to train with")

    def inputs(self, samples: NDArray[np.float32]) -> Any:
        """What `encode` takes instead of samples (N,) at 16 kHz, computed ahead of the training; by default the samples themselves."""
        return samples

    def encode(self, samples: Any) -> NDArray[np.float32]:
        """The frames of samples (N,) at 16 kHz, (frames, width) float32, as many as `frames` says. After `load`."""
        raise NotImplementedError

    def encode_all(self, members: Sequence[Any]) -> list[NDArray[np.float32]]:
        """The frames of each; by default one after another."""
        return [self.encode(member) for member in members]

    @property
    def checksum(self) -> str:
        """Of all that its frames depend on: a run that goes on needs the same. After `load`."""
        return digest([self.backend_name, self.version(), self.fingerprint_settings(), self._weights()])

    def _weights(self) -> str:
        """A digest of the weights that `load` loaded."""
        return ""

    @property
    def rate(self) -> float:
        """Placeholders a second of a whole chunk."""
        return self.placeholders(self._longest) / self.chunk

    def placeholders(self, samples: int) -> int:
        """Placeholder tokens of audio of `samples` at 16 kHz: the frames after the adaptor."""
        return (max(0, self.frames(samples)) + 2 - 3) // self.stride + 1

    def chunks(self, samples: int) -> list[int]:
        """The samples of each chunk, in order. A remainder too short for one placeholder is left out (at most about 0.04 s)."""
        whole, rest = divmod(samples, self._longest)
        return [self._longest] * whole + ([rest] if self.placeholders(rest) else [])

    @property
    def _stated(self) -> str:
        """As a recipe states it."""
        return f"`encoder: {{use: {self.called}}}`"

    @property
    def _longest(self) -> int:
        return round(self.chunk * SAMPLE_RATE)

    @abstractmethod
    def frames(self, samples: int) -> int:
        """Frames that the encoder gives for `samples` at 16 kHz, before the adaptor."""
