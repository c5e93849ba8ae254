"""The encoder of Whisper: 50 frames a second, of which the adaptor makes 25.

Encoder().placeholders(16_000 * 30)  ->  750
"""

from pydantic import Field

from weft.pipelines.encoders import base

_HOP = 160  # samples a mel frame


class Encoder(base.Encoder):
    """A chunk may have 30 s at most; shorter audio is padded, and the frames of the padding are not used."""

    chunk: float = Field(default=30.0, gt=0, le=30.0)

    def frames(self, samples: int) -> int:
        mels = -(-samples // _HOP)
        return (mels - 1) // 2 + 1
