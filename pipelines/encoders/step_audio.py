"""The encoder of Step-Audio 2: mel frames of 10 ms after 479 samples of padding, two convolutions, half of them pooled: 25 a second.

Encoder().placeholders(16_000 * 25)  ->  313
Encoder(checkpoint="checkpoints/Step-Audio-2-mini")

Its code is published beside its weights and is not run: it computes what Qwen2-Audio's encoder does, under the names of Whisper's first
code. The last two mel frames are the padding's: attention does not see them.
"""

import re
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from weft.pipelines.encoders.common.mel_encoder import HOP, MelEncoder

if TYPE_CHECKING:
    from weft.pipelines.encoders.common.networks import Tensors

_PADDING = 479  # samples
# names of Step-Audio 2's weights, and of transformers'
_NAMES = {
    r"^blocks\.": "layers.",
    r"\.attn\.query\.": ".self_attn.q_proj.",
    r"\.attn\.key\.": ".self_attn.k_proj.",
    r"\.attn\.value\.": ".self_attn.v_proj.",
    r"\.attn\.out\.": ".self_attn.out_proj.",
    r"\.attn_ln\.": ".self_attn_layer_norm.",
    r"\.mlp\.0\.": ".fc1.",
    r"\.mlp\.2\.": ".fc2.",
    r"\.mlp_ln\.": ".final_layer_norm.",
    r"^after_norm\.": "layer_norm.",
    r"^positional_embedding\.": "embed_positions.",
}


class Encoder(MelEncoder):
    """The published formula. Chunks of 25 s as in the public code; its serving code cuts at 29 s."""

    def mels(self, samples: int) -> int:
        return (samples + _PADDING) // HOP

    def attended(self, mels: int) -> int:
        return (mels - 2 + 1) // 2

    def frames(self, samples: int) -> int:
        return self.attended(self.mels(samples)) // 2

    def _log_mels(self, samples: NDArray[np.float32], bands: int, window: int) -> NDArray[np.float32]:
        from weft.pipelines.encoders.common.networks import log_mels

        values = log_mels(np.pad(samples, (0, _PADDING)), bands)
        return np.pad(values, ((0, 0), (0, window - values.shape[1])))

    def _module(self, settings: dict[str, Any], tensors: "Tensors") -> Any:
        """The checkpoint is that of the whole model, or of the encoder alone with the same config.json."""
        from transformers import Qwen2AudioEncoder, Qwen2AudioEncoderConfig

        from weft.pipelines.encoders.common.networks import filled

        own = settings["audio_encoder_config"]
        config = Qwen2AudioEncoderConfig(
            num_mel_bins=own["n_mels"], max_source_positions=own["n_audio_ctx"], d_model=own["n_audio_state"],
            encoder_attention_heads=own["n_audio_head"], encoder_layers=own["n_audio_layer"],
            encoder_ffn_dim=4 * own["n_audio_state"],
        )  # fmt: skip
        return filled(Qwen2AudioEncoder, config, {_renamed(name): tensor for name, tensor in tensors.items()})


def _renamed(name: str) -> str:
    for theirs, ours in _NAMES.items():
        name = re.sub(theirs, ours, name)
    return name
