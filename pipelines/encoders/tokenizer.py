"""The network of a speech tokenizer that is trained here, as the audio encoder.

encoder: {use: tokenizer, tokenizer: hubert}      25 frames a second, as its tokenizer counts them; the adaptor makes 12.5
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import PrivateAttr

from weft.pipelines.encoders import base
from weft.tokenizers.base import SpeechTokenizer


class Encoder(base.Encoder):
    """`tokenizer` names an entry of `tokenizers:`."""

    tokenizer: str
    _made: SpeechTokenizer = PrivateAttr()

    def use_tokenizers(self, tokenizers: Mapping[str, SpeechTokenizer]) -> None:
        if self.tokenizer not in tokenizers:
            raise ValueError(
                f"{self.tokenizer!r} is not under `tokenizers:` (there: {', '.join(tokenizers) or 'none'})"
            )
        self._made = tokenizers[self.tokenizer]

    def version(self) -> str:
        return f"1 {self._made.version()}"

    def load(self, folder: Callable[[str], Path]) -> None:
        self._made.load(folder(f"models/{self.tokenizer}"))

    def encode(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        (frames,) = self._made.features([samples])
        return frames

    def frames(self, samples: int) -> int:
        return self._made.frames(samples)
