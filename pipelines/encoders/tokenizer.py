"""The network of a speech tokenizer that is trained here, as the audio encoder.

encoder: {use: tokenizer, tokenizer: hubert}      25 frames a second, as its tokenizer counts them; the adaptor makes 12.5
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import PrivateAttr

from weft.pipelines.encoders import base
from weft.schemas.fingerprint import content
from weft.tokenizers.base import SpeechTokenizer


class Encoder(base.Encoder):
    """`tokenizer` names an entry of `tokenizers:`."""

    tokenizer: str
    _tokenizer: SpeechTokenizer = PrivateAttr()
    _content: str = PrivateAttr("")

    def use_tokenizers(self, tokenizers: Mapping[str, SpeechTokenizer]) -> None:
        if self.tokenizer not in tokenizers:
            raise ValueError(
                f"{self.tokenizer!r} is not under `tokenizers:` (there: {', '.join(tokenizers) or 'none'})"
            )
        self._tokenizer = tokenizers[self.tokenizer]

    def version(self) -> str:
        return f"1 {self._tokenizer.version()}"

    def load(self, folder: Callable[[str], Path]) -> None:
        place = folder(f"models/{self.tokenizer}")
        self._tokenizer.load(place)
        self._content = content(str(place))

    def _weights(self) -> str:
        return self._content

    def encode(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        (frames,) = self._tokenizer.features([samples])
        return frames

    def frames(self, samples: int) -> int:
        return self._tokenizer.frames(samples)
