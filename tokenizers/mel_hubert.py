"""A HuBERT that hears log-mels: what is trained here from nothing, where minutes of speech have to do.

    heard(samples[16000])  ->  float32 [100, 80]: log-mels every 10 ms, each band level over the seconds around it
    MelHubert(config)(heard[B, 100, 80])  ->  states [B, 25, width]

After MelHuBERT (Lin et al. 2022, arXiv 2211.09944), which needs a third less computing than HuBERT; behind its two convolutions it is
transformers' `HubertModel`. HuBERT itself learns its filters from samples, and on an hour of speech stays below MFCCs.
"""

from typing import Any

import numpy as np
import torch
from torch.nn.functional import gelu
from transformers import HubertConfig, HubertModel
from transformers.audio_utils import hertz_to_mel, mel_to_hertz

from weft.tokenizers.mels import BAND, STEP, log_mels

BANDS = 80
_NEAR = 5  # steps that the first convolution hears
_AROUND = 150  # steps either way over which a band is level
_QUIET = 0.1  # added to a band's deviation, so that silence stays silent


class MelHubertConfig(HubertConfig):
    """`conv_dim[-1]` is the convolutions' width, `conv_stride` gives the hop: 160 samples a mel, and mels a frame."""

    model_type = "mel-hubert"


class MelHubert(HubertModel):
    """Log-mels [batch, steps, BANDS] in, which `heard` gives; states [batch, frames, hidden_size] out."""

    config: MelHubertConfig

    def __init__(self, config: MelHubertConfig) -> None:
        super().__init__(config)
        self.feature_extractor = _Front(config)  # type: ignore[assignment]
        self.post_init()


class _Front(torch.nn.Module):
    """[batch, steps, BANDS] to [batch, width, steps // stack], as HuBERT's own convolutions have it."""

    def __init__(self, config: MelHubertConfig) -> None:
        super().__init__()
        width, stack = config.conv_dim[-1], config.conv_stride[-1]
        self.near = torch.nn.Conv1d(BANDS, width, _NEAR, padding=_NEAR // 2)
        self.stack = torch.nn.Conv1d(width, width, 2 * stack, stride=stack, padding=stack // 2)

    def forward(self, mels_BTF: torch.Tensor) -> torch.Tensor:
        return torch.as_tensor(self.stack(gelu(self.near(mels_BTF.transpose(1, 2)))))


def small_config(hidden: int, layers: int, heads: int, hop: int) -> MelHubertConfig:
    """A model without dropout, `hidden` wide, a frame every `hop` samples (a multiple of 320)."""
    nothing: dict[str, Any] = dict.fromkeys(
        ("hidden_dropout", "activation_dropout", "attention_dropout", "feat_proj_dropout", "layerdrop"), 0.0
    )
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
        **nothing,
    )


def heard(samples: np.ndarray) -> np.ndarray:
    """What the model hears of float samples [n] at 16 kHz: float32 [n // 160, BANDS].

    Each band is without its mean and as wide as any, both over the seconds around: neither loudness nor channel is left.
    """
    mels = log_mels(samples, BANDS).astype(np.float64)
    sums, squares = (np.pad(values.cumsum(0), ((1, 0), (0, 0))) for values in (mels, mels**2))
    at = np.arange(len(mels))
    first, last = np.maximum(at - _AROUND, 0), np.minimum(at + _AROUND + 1, len(mels))
    count = (last - first)[:, None]
    mean = (sums[last] - sums[first]) / count
    spread = np.sqrt(np.maximum((squares[last] - squares[first]) / count - mean**2, 0.0))
    return ((mels - mean) / (spread + _QUIET)).astype(np.float32)


def warped(mels_BTF: torch.Tensor, factors: np.ndarray) -> torch.Tensor:
    """Each row as if its speaker's vocal tract were so many times shorter: what was at a frequency is now at `factor` times that."""
    low, high = (float(hertz_to_mel(hertz, "htk")) for hertz in BAND)
    edges = np.linspace(low, high, BANDS + 2)
    centres = np.asarray(mel_to_hertz(edges[1:-1], "htk"))
    sources = np.asarray(hertz_to_mel(centres / factors[:, None], "htk"))
    places = np.clip((sources - edges[1]) / (edges[1] - edges[0]), 0, BANDS - 1)
    first = np.minimum(places.astype(int), BANDS - 2)
    share = torch.from_numpy((places - first).astype(np.float32))[:, None]
    below = torch.from_numpy(first)[:, None].expand(-1, mels_BTF.shape[1], -1)
    return mels_BTF.gather(2, below) * (1 - share) + mels_BTF.gather(2, below + 1) * share
