"""The encoder of Qwen2-Audio: Whisper's, with pairs of frames pooled: 25 frames a second, of which the adaptor makes 12.5.

Encoder().placeholders(16_000 * 30)  ->  375
"""

from pydantic import Field

from weft.pipelines.encoders import base

_HOP = 160  # samples a mel frame


class Encoder(base.Encoder):
    """A chunk may have 30 s at most; shorter audio is padded, and the frames of the padding are not used."""

    chunk: float = Field(default=30.0, gt=0, le=30.0)

    def frames(self, samples: int) -> int:
        mels = -(-samples // _HOP)
        return ((mels - 1) // 2 + 1 - 2) // 2 + 1
