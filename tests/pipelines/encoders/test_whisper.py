"""The counts are those of transformers' feature extractor and encoders."""

import numpy as np
import pytest
import torch
from transformers import (
    Qwen2AudioEncoderConfig,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperModel,
)
from transformers.models.qwen2_audio.modeling_qwen2_audio import Qwen2AudioEncoder

from weft.pipelines.encoders.qwen2_audio import Encoder as Qwen2Audio
from weft.pipelines.encoders.whisper import Encoder as Whisper

LENGTHS = [1, 159, 160, 161, 320, 321, 480, 1_000, 16_000, 16_001, 100_003, 479_999, 480_000]


def mels(samples: int) -> torch.Tensor:
    """The number of mel frames that the feature extractor marks as audio."""
    extractor = WhisperFeatureExtractor(feature_size=4)
    features = extractor(np.zeros(samples, np.float32), sampling_rate=16_000, return_attention_mask=True)
    return torch.tensor(int(np.asarray(features["attention_mask"]).sum()))


def adapted(frames: int) -> int:
    """What an adaptor's convolution of kernel 3 and stride 2 makes of frames."""
    if not frames:
        return 0
    return torch.nn.Conv1d(1, 1, 3, stride=2, padding=1)(torch.zeros(1, 1, frames)).shape[-1]


def test_the_placeholders_are_those_of_whisper() -> None:
    config = WhisperConfig(d_model=8, encoder_layers=1, encoder_attention_heads=1, encoder_ffn_dim=8, decoder_layers=1,
                           decoder_attention_heads=1, decoder_ffn_dim=8, num_mel_bins=4, vocab_size=8, pad_token_id=0,
                           bos_token_id=0, eos_token_id=0, decoder_start_token_id=0)  # fmt: skip
    model = WhisperModel(config)
    for samples in LENGTHS:
        frames = int(model._get_feat_extract_output_lengths(mels(samples)))
        assert Whisper().frames(samples) == frames
        assert Whisper().placeholders(samples) == adapted(frames)
    whole = model.encoder(torch.zeros(1, 4, 3_000)).last_hidden_state.shape[1]
    assert Whisper().frames(480_000) == whole == 1_500


def test_the_placeholders_are_those_of_qwen2_audio() -> None:
    config = Qwen2AudioEncoderConfig(
        d_model=8, encoder_layers=1, encoder_attention_heads=1, encoder_ffn_dim=8, num_mel_bins=4
    )
    model = Qwen2AudioEncoder(config)
    for samples in LENGTHS:
        _, frames = model._get_feat_extract_output_lengths(mels(samples))
        assert max(0, Qwen2Audio().frames(samples)) == max(0, int(frames))
        assert Qwen2Audio().placeholders(samples) == adapted(max(0, int(frames)))
    whole = model(torch.zeros(1, 4, 3_000)).last_hidden_state.shape[1]
    assert Qwen2Audio().frames(480_000) == whole == 750


@pytest.mark.parametrize("kind", [Whisper, Qwen2Audio])
def test_a_chunk_has_30_s_at_most(kind: type[Whisper] | type[Qwen2Audio]) -> None:
    assert kind().chunk == 30
    with pytest.raises(ValueError, match="less than or equal to 30"):
        kind(chunk=31)
