"""An audio encoder, as the data needs it: how many placeholder tokens stand for audio that the model gets as latents.

Encoder().placeholders(400_000)  ->  313      25 s at 16 kHz; 25 frames a second, of which the adaptor makes half

A leaf gives `frames`. The network itself is the trainer's; no model is loaded here.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from pydantic import Field

from weft.schemas.settings import Versioned
from weft.tokenizers.base import SpeechTokenizer

SAMPLE_RATE = 16_000


class Encoder(Versioned, ABC):
    """`chunk`: seconds of audio that go through the encoder at once. Longer audio is cut into chunks, each in markers of its own."""

    chunk: float = Field(default=25.0, gt=0)

    def use_tokenizers(self, tokenizers: Mapping[str, SpeechTokenizer]) -> None:
        """Takes what it needs of the recipe's tokenizers. Raises ValueError where that is missing."""

    @property
    def rate(self) -> float:
        """Placeholders a second of a whole chunk."""
        return self.placeholders(self._longest) / self.chunk

    def placeholders(self, samples: int) -> int:
        """Placeholder tokens of audio of `samples` at 16 kHz: the frames after the adaptor, a convolution of kernel 3 and stride 2."""
        return (max(0, self.frames(samples)) + 2 - 3) // 2 + 1

    def chunks(self, samples: int) -> list[int]:
        """The samples of each chunk, in order. A remainder too short for one placeholder is left out (at most about 0.04 s)."""
        whole, rest = divmod(samples, self._longest)
        return [self._longest] * whole + ([rest] if self.placeholders(rest) else [])

    @property
    def _longest(self) -> int:
        return round(self.chunk * SAMPLE_RATE)

    @abstractmethod
    def frames(self, samples: int) -> int:
        """Frames that the encoder gives for `samples` at 16 kHz, before the adaptor."""
