"""The encoder of Qwen2-Audio: Whisper's, with pairs of frames pooled: 25 frames a second, of which the adaptor makes 12.5.

Encoder().placeholders(16_000 * 30)  ->  375
Encoder(checkpoint="checkpoints/Qwen2-Audio-7B")
"""

from typing import TYPE_CHECKING, Any

from pydantic import Field

from weft.pipelines.encoders.common.mel_encoder import MelEncoder

if TYPE_CHECKING:
    from weft.pipelines.encoders.common.networks import Tensors


class Encoder(MelEncoder):
    """A chunk may have 30 s at most; shorter audio is padded, and the frames of the padding are neither seen nor used."""

    chunk: float = Field(default=30.0, gt=0, le=30.0)

    def frames(self, samples: int) -> int:
        return (self.attended(self.mels(samples)) - 2) // 2 + 1

    def _module(self, settings: dict[str, Any], tensors: "Tensors") -> Any:
        """The checkpoint is that of the whole model, whose config has the encoder's as `audio_config`, or of the encoder alone."""
        from transformers import Qwen2AudioEncoder, Qwen2AudioEncoderConfig

        from weft.pipelines.encoders.common.networks import filled

        config = Qwen2AudioEncoderConfig.from_dict(settings.get("audio_config", settings))
        return filled(Qwen2AudioEncoder, config, tensors)
