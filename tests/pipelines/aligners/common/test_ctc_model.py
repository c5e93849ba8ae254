"""Windows and batches change nothing that is heard."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

from weft.pipelines.aligners.common.ctc_model import CtcModel

RATE = 16_000


def ctc_model(norm: str) -> CtcModel:
    torch.manual_seed(3)
    config = Wav2Vec2Config(
        vocab_size=8, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, conv_dim=(8,) * 7,
        num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=2, pad_token_id=0, feat_extract_norm=norm,
        do_stable_layer_norm=norm == "layer",
    )  # fmt: skip
    return CtcModel(Wav2Vec2ForCTC(config), Wav2Vec2FeatureExtractor(do_normalize=True), device="cpu", batch_seconds=60)


def clips(*seconds: float) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.normal(0, 0.1, round(s * RATE)).astype(np.float32) for s in seconds]


@pytest.mark.parametrize("norm", ["layer", "group"])
def test_together_is_as_alone(norm: str) -> None:
    model, given = ctc_model(norm), clips(2.0, 0.5, 1.97, 2.0, 1.0)
    for alone, together in zip((model.log_probs([c])[0] for c in given), model.log_probs(given), strict=True):
        assert alone.shape == together.shape
        assert np.allclose(alone, together, atol=2e-5)


def test_windows_give_the_frames_of_the_whole() -> None:
    model, (clip,) = ctc_model("layer"), clips(7.3)
    model.windowing = replace(model.windowing, window=2.0, context=1.0)
    frames = model.log_probs([clip])[0]
    assert len(frames) == int(model._model._get_feat_extract_output_lengths(len(clip)))
    assert np.allclose(np.exp(frames).sum(1), 1, atol=1e-5)


def test_a_click_is_one_frame() -> None:
    assert [len(frames) for frames in ctc_model("layer").log_probs(clips(0.0, 0.001))] == [1, 1]


def test_convolutions_are_computed_in_full_float32() -> None:
    seen: list[bool] = []
    model = ctc_model("layer")
    model._model.register_forward_hook(lambda *_: seen.append(torch.backends.cudnn.allow_tf32))
    before = torch.backends.cudnn.allow_tf32
    model.log_probs(clips(1.0))
    assert seen == [False]
    assert torch.backends.cudnn.allow_tf32 == before
