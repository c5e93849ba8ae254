"""Windows and batches change nothing that is heard."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

from weft.pipelines.aligners import listening
from weft.pipelines.aligners.listening import Listener, Window, batches, windows_of

RATE = 16_000


def listener(norm: str) -> Listener:
    torch.manual_seed(3)
    config = Wav2Vec2Config(
        vocab_size=8, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, conv_dim=(8,) * 7,
        num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=2, pad_token_id=0, feat_extract_norm=norm,
        do_stable_layer_norm=norm == "layer",
    )  # fmt: skip
    return Listener(Wav2Vec2ForCTC(config), Wav2Vec2FeatureExtractor(do_normalize=True), "cpu", batch_seconds=60)


def clips(*seconds: float) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.normal(0, 0.1, round(s * RATE)).astype(np.float32) for s in seconds]


@pytest.mark.parametrize("norm", ["layer", "group"])
def test_together_is_as_alone(norm: str) -> None:
    model, given = listener(norm), clips(2.0, 0.5, 1.97, 2.0, 1.0)
    for alone, together in zip((model.hear([c])[0] for c in given), model.hear(given), strict=True):
        assert alone.shape == together.shape
        assert np.allclose(alone, together, atol=2e-5)


def test_windows_give_the_frames_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    model, (clip,) = listener("layer"), clips(7.3)
    monkeypatch.setattr(listening, "_WINDOW", 2 * RATE)
    monkeypatch.setattr(listening, "_CONTEXT", RATE)
    frames = model.hear([clip])[0]
    assert len(frames) == int(model._model._get_feat_extract_output_lengths(len(clip)))
    assert np.allclose(np.exp(frames).sum(1), 1, atol=1e-5)


@given(st.integers(1, 400 * RATE), st.sampled_from([160, 320]))
def test_kept_frames_follow_one_another(samples: int, hop: int) -> None:
    made = windows_of(0, samples, hop)
    assert (made[0].start, made[0].first, made[-1].end, made[-1].last) == (0, 0, samples, None)
    for one, two in itertools.pairwise(made):
        assert one.start + one.last * hop == two.start + two.first * hop
        assert two.start % hop == 0
    for window in made[:-1]:
        assert window.end >= window.start + window.last * hop + 400  # the last kept frame hears all it wants


@given(st.lists(st.integers(1, 100_000), max_size=60), st.sampled_from([0.0, 0.03]))
def test_batches_hold_each_window_once_with_little_padding(lengths: list[int], padding: float) -> None:
    made = [Window(n, 0, length, 0, None) for n, length in enumerate(lengths)]
    found = list(batches(made, 200_000, padding))
    assert sorted(w.clip for batch in found for w in batch) == list(range(len(lengths)))
    for batch in found:
        room = max(w.samples for w in batch) * len(batch)
        assert len(batch) == 1 or room <= 200_000
        assert 1 - sum(w.samples for w in batch) / room <= padding + 1e-12


def test_a_click_is_one_frame() -> None:
    assert [len(frames) for frames in listener("layer").hear(clips(0.0, 0.001))] == [1, 1]
