"""The encoder of Step-Audio 2: mel frames of 10 ms after 479 samples of padding, two convolutions, half of them pooled: 25 a second.

Encoder().placeholders(16_000 * 25)  ->  313
"""

from weft.pipelines.encoders import base

_PADDING = 479  # samples
_HOP = 160  # samples a mel frame


class Encoder(base.Encoder):
    """The published formula. Chunks of 25 s as in the public code; its serving code cuts at 29 s."""

    def frames(self, samples: int) -> int:
        mels = (samples + _PADDING) // _HOP
        return (mels - 2 + 1) // 2 // 2
