"""The encoder of Qwen2-Audio: Whisper's, with pairs of frames pooled: 25 frames a second, of which the adaptor makes 12.5.

Encoder().placeholders(16_000 * 30)  ->  375
"""

from weft.pipelines.encoders import whisper


class Encoder(whisper.Encoder):
    """A chunk may have 30 s at most; shorter audio is padded, and the frames of the padding are not used."""

    def frames(self, samples: int) -> int:
        return (super().frames(samples) - 2) // 2 + 1
