"""A HuBERT over log-mels, to be trained here from random weights on minutes to an hour of speech.

    features_of(samples[16000])  ->  float32 [100, 80]: log-mels every 10 ms, each band normalised over the seconds around
    MelHubert(config)(features[B, 100, 80])  ->  states [B, 25, width]

After MelHuBERT (Lin et al. 2022, arXiv 2211.09944), which needs a third less computing than HuBERT. After its two convolutions it is
transformers' `HubertModel`, except that a block attends to near frames only: long audio in windows gives the states of the whole.
HuBERT itself learns its filters from samples, and after an hour of speech its units are worse than MFCCs.
"""

import math
from typing import Any

import numpy as np
import torch
from torch.nn.functional import gelu, pad
from transformers import HubertConfig, HubertModel
from transformers.masking_utils import create_bidirectional_sliding_window_mask
from transformers.modeling_outputs import BaseModelOutput
from transformers.models.hubert.modeling_hubert import HubertEncoderStableLayerNorm

from weft.tokenizers.features.mels import RATE, STEP, log_mels

BANDS = 80
ATTENDED = 1.0  # seconds either way, in each block
_KERNEL = 5  # steps of the first convolution
_AROUND = 150  # steps either way over which a band is normalised
_QUIET = 0.1  # added to a band's deviation, so that silence is not amplified


class MelHubertConfig(HubertConfig):
    """`conv_dim[-1]` is the convolutions' width, `conv_stride` gives the hop: 160 samples a mel, and mels a frame."""

    model_type = "mel-hubert"


class MelHubert(HubertModel):
    """Log-mels [batch, steps, BANDS] in, which `features_of` gives; states [batch, frames, hidden_size] out."""

    config: MelHubertConfig

    def __init__(self, config: MelHubertConfig) -> None:
        super().__init__(config)
        self.feature_extractor = _Front(config)  # type: ignore[assignment]
        self.encoder = _Near(config)
        self._attended = config.sliding_window
        self.post_init()

    @property
    def reach(self) -> float:
        """How many seconds either way a state depends on."""
        frames = len(self.encoder.layers) * self._attended + self.config.num_conv_pos_embeddings // 2 + 1
        return (frames * math.prod(self.config.conv_stride) + (_AROUND + _KERNEL) * STEP) / RATE


class _Near(HubertEncoderStableLayerNorm):
    """HuBERT's blocks, but each state attends only to those within `sliding_window` frames."""

    def forward(
        self, hidden_states: torch.Tensor, attention_mask: torch.Tensor | None = None, **_: Any
    ) -> BaseModelOutput:
        if attention_mask is not None:
            hidden_states = hidden_states * attention_mask[..., None]
        near = create_bidirectional_sliding_window_mask(self.config, hidden_states, attention_mask)
        states = hidden_states + self.pos_conv_embed(hidden_states)
        for layer in self.layers:
            states = layer(states, attention_mask=near)
        return BaseModelOutput(last_hidden_state=self.layer_norm(states))


class _Front(torch.nn.Module):
    """[batch, steps, BANDS] to [batch, width, steps // stack], the layout of HuBERT's own convolutions."""

    def __init__(self, config: MelHubertConfig) -> None:
        super().__init__()
        width, stack = config.conv_dim[-1], config.conv_stride[-1]
        self.near = torch.nn.Conv1d(BANDS, width, _KERNEL, padding=_KERNEL // 2)
        self.stack = torch.nn.Conv1d(width, width, 2 * stack, stride=stack, padding=stack // 2)

    def forward(self, mels_BTF: torch.Tensor) -> torch.Tensor:
        return torch.as_tensor(self.stack(gelu(self.near(mels_BTF.transpose(1, 2)))))


def small_config(hidden: int, layers: int, heads: int, hop: int) -> MelHubertConfig:
    """A model without dropout, `hidden` wide, a frame every `hop` samples (a multiple of 320)."""
    without_dropout: dict[str, Any] = dict.fromkeys(
        ("hidden_dropout", "activation_dropout", "attention_dropout", "feat_proj_dropout", "layerdrop"), 0.0
    )
    near: dict[str, Any] = {"sliding_window": round(ATTENDED * RATE / hop)}  # not a setting of HuBERT
    return MelHubertConfig(
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=hidden * 4,
        conv_dim=[hidden, hidden],
        conv_kernel=[STEP, hop // STEP],
        conv_stride=[STEP, hop // STEP],
        do_stable_layer_norm=True,
        num_conv_pos_embeddings=17,
        num_conv_pos_embedding_groups=hidden // 16,
        **without_dropout,
        **near,
    )


def features_of(samples: np.ndarray) -> np.ndarray:
    """The model's input from float samples [n] at 16 kHz: float32 [n // 160, BANDS]."""
    mels = torch.from_numpy(log_mels(samples, BANDS))[None]
    return levelled(mels, torch.ones(mels.shape[:2], dtype=torch.bool))[0].numpy()


def levelled(mels_BTF: torch.Tensor, there_BT: torch.Tensor) -> torch.Tensor:
    """Each band with mean 0 and deviation 1 over the steps around, which removes loudness and channel. Steps that are not `there` are
    padding: they do not count, and are 0.
    """
    count = _around(there_BT[..., None].double()).clamp(min=1)
    mels = mels_BTF.double() * there_BT[..., None]
    mean = _around(mels) / count
    spread = (_around(mels**2) / count - mean**2).clamp(min=0).sqrt()
    return ((mels - mean) / (spread + _QUIET) * there_BT[..., None]).float()


def _around(values_BTF: torch.Tensor) -> torch.Tensor:
    """The sum over the steps around each step."""
    sums = pad(values_BTF.cumsum(1), (0, 0, 1, 0))
    at = torch.arange(values_BTF.shape[1])
    return sums[:, (at + _AROUND + 1).clamp(max=len(at))] - sums[:, (at - _AROUND).clamp(min=0)]
