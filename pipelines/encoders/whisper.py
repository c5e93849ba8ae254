"""The encoder of Whisper: 50 frames a second, of which the adaptor makes 25.

Encoder().placeholders(16_000 * 30)  ->  750
Encoder(checkpoint="checkpoints/whisper-large-v3")
"""

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from weft.pipelines.encoders.common.mel_encoder import MelEncoder

if TYPE_CHECKING:
    from weft.pipelines.encoders.common.networks import Tensors


class Encoder(MelEncoder):
    """A chunk may have 30 s at most; shorter audio is padded, which attention sees, and the frames of the padding are not used."""

    masks: ClassVar[bool] = False  # it was trained so

    chunk: float = Field(default=30.0, gt=0, le=30.0)

    def frames(self, samples: int) -> int:
        return self.attended(self.mels(samples))

    def _module(self, settings: dict[str, Any], tensors: "Tensors") -> Any:
        from transformers import WhisperConfig
        from transformers.models.whisper.modeling_whisper import WhisperEncoder

        from weft.pipelines.encoders.common.networks import filled

        return filled(WhisperEncoder, WhisperConfig.from_dict(settings), tensors)
