"""Encoders by checkpoint give what transformers' own classes give, and as many frames as the data count placeholders for."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import WhisperFeatureExtractor

from tests.pipelines.encoders.common import checkpoints
from weft.pipelines.encoders.common.mel_encoder import MelEncoder
from weft.pipelines.encoders.qwen2_audio import Encoder as Qwen2Audio
from weft.pipelines.encoders.step_audio import Encoder as StepAudio
from weft.pipelines.encoders.whisper import Encoder as Whisper

LENGTHS = [700, 16_000, 16_160, 100_003, 400_000]
KINDS: list[tuple[type[MelEncoder], Callable[[Path], Any]]] = [
    (Whisper, checkpoints.whisper),
    (Qwen2Audio, checkpoints.qwen2_audio),
    (StepAudio, checkpoints.step_audio),
]


def noise(samples: int) -> np.ndarray:
    return (0.1 * np.random.default_rng(samples).standard_normal(samples)).astype(np.float32)


def nothing(_: str) -> Path:
    raise AssertionError("no model of the corpus is asked for")


def loaded(kind: type[MelEncoder], folder: Path, **settings: Any) -> MelEncoder:
    encoder = kind(checkpoint=str(folder), device="cpu", **settings)
    encoder.load(nothing)
    return encoder


def extracted(samples: np.ndarray) -> Any:
    extractor = WhisperFeatureExtractor(feature_size=checkpoints.BANDS)
    return extractor(samples, sampling_rate=16_000, return_attention_mask=True, return_tensors="pt")


@pytest.mark.parametrize("samples", LENGTHS)
def test_whisper(tmp_path: Path, samples: int) -> None:
    model = checkpoints.whisper(tmp_path)
    encoder = loaded(Whisper, tmp_path)
    frames = encoder.encode(noise(samples))
    with torch.no_grad():
        states = model.get_encoder()(extracted(noise(samples)).input_features).last_hidden_state[0]
    np.testing.assert_allclose(frames, states[: len(frames)].numpy(), atol=1e-4)
    assert len(frames) == encoder.frames(samples)
    assert samples < 1_000 or frames.std(0).max() > 0.01


@pytest.mark.parametrize("samples", LENGTHS)
def test_qwen2_audio(tmp_path: Path, samples: int) -> None:
    """What its model puts at the placeholders, before the projector."""
    model = checkpoints.qwen2_audio(tmp_path)
    encoder = loaded(Qwen2Audio, tmp_path)
    frames = encoder.encode(noise(samples))
    states: list[torch.Tensor] = []
    tower = model.get_submodule("audio_tower") if hasattr(model, "audio_tower") else model.model.audio_tower
    tower.register_forward_hook(lambda _, __, output: states.append(output.last_hidden_state[0]))
    features = extracted(noise(samples))
    with torch.no_grad():
        ids = torch.tensor([[1, *[9] * encoder.frames(samples)]])
        model(input_ids=ids, attention_mask=torch.ones_like(ids), input_features=features.input_features,
              feature_attention_mask=features.attention_mask)  # fmt: skip
    np.testing.assert_allclose(frames, states[0][: len(frames)].numpy(), atol=1e-4)
    assert len(frames) == encoder.frames(samples)
    assert samples < 1_000 or frames.std(0).max() > 0.01


@pytest.mark.parametrize("samples", LENGTHS)
def test_step_audio(tmp_path: Path, samples: int) -> None:
    reference = checkpoints.step_audio(tmp_path)
    encoder = loaded(StepAudio, tmp_path)
    frames = encoder.encode(noise(samples))
    extractor = WhisperFeatureExtractor(feature_size=checkpoints.BANDS)
    padded = np.pad(noise(samples), (0, 479))
    mels = extractor(padded, sampling_rate=16_000, padding="do_not_pad", return_tensors="pt").input_features
    with torch.no_grad():
        states = reference(mels, mels.shape[-1] - 2)
    np.testing.assert_allclose(frames, states.numpy(), atol=1e-4)
    assert len(frames) == encoder.frames(samples)
    assert samples < 1_000 or frames.std(0).max() > 0.01


@pytest.mark.parametrize(("kind", "make"), KINDS)
def test_several_at_once_and_made_ahead(kind: type[MelEncoder], make: Callable[[Path], Any], tmp_path: Path) -> None:
    make(tmp_path)
    encoder = loaded(kind, tmp_path, batch=2)
    members = [noise(samples) for samples in LENGTHS]
    together = encoder.encode_all([encoder.inputs(member) if n % 2 else member for n, member in enumerate(members)])
    for member, frames in zip(members, together, strict=True):
        np.testing.assert_allclose(frames, encoder.encode(member), atol=1e-5)
        assert frames.shape == (encoder.frames(len(member)), checkpoints.WIDTH) and frames.dtype == np.float32


@pytest.mark.parametrize("samples", LENGTHS)
def test_in_bfloat16_it_is_transformers_own_in_bfloat16(tmp_path: Path, samples: int) -> None:
    model = checkpoints.whisper(tmp_path).to(torch.bfloat16)
    frames = loaded(Whisper, tmp_path, dtype="bfloat16").encode(noise(samples))
    with torch.no_grad():
        states = model.get_encoder()(extracted(noise(samples)).input_features.bfloat16()).last_hidden_state[0]
    np.testing.assert_array_equal(frames, states[: len(frames)].float().numpy())


@pytest.mark.parametrize(("kind", "make"), KINDS)
def test_bfloat16_is_near_float32_and_another_encoder_to_a_run(
    kind: type[MelEncoder], make: Callable[[Path], Any], tmp_path: Path
) -> None:
    make(tmp_path)
    exact, half = loaded(kind, tmp_path), loaded(kind, tmp_path, dtype="bfloat16")
    members = [noise(samples) for samples in LENGTHS[1:]]
    for near, right in zip(half.encode_all(members), exact.encode_all(members), strict=True):
        assert near.dtype == np.float32 and near.shape == right.shape
        assert 0 < np.linalg.norm(near - right) < 0.1 * np.linalg.norm(right)
    assert half.checksum != exact.checksum
    assert half.fingerprint_settings() == exact.fingerprint_settings()  # a corpus counts the same placeholders


def test_the_encoder_alone_is_a_checkpoint_too(tmp_path: Path) -> None:
    model = checkpoints.qwen2_audio(tmp_path / "whole")
    tower = model.get_submodule("audio_tower") if hasattr(model, "audio_tower") else model.model.audio_tower
    tower.save_pretrained(tmp_path / "alone")
    whole, alone = (loaded(Qwen2Audio, tmp_path / name) for name in ("whole", "alone"))
    np.testing.assert_array_equal(whole.encode(noise(16_000)), alone.encode(noise(16_000)))


def config(folder: Path, **values: object) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def tensors(folder: Path, **values: torch.Tensor | None) -> None:
    file = next(folder.glob("*.safetensors"))
    changed = {**load_file(file), **{name.replace("__", "."): tensor for name, tensor in values.items()}}
    save_file({name: tensor for name, tensor in changed.items() if tensor is not None}, file)


def pickled(folder: Path) -> None:
    next(folder.glob("*.safetensors")).rename(folder / "pytorch_model.bin")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (pickled, "its *.safetensors hold 0 audio encoders of Whisper's family, not one; no other files are read"),
        (lambda folder: next(folder.glob("*.safetensors")).write_bytes(b"torn"), "its safetensors cannot be read"),
        (lambda folder: tensors(folder, model__encoder__layer_norm__bias=None), 'Missing key(s) in state_dict: "layer_norm.bias"'),
        (lambda folder: config(folder, d_model=8), "size mismatch for"),
        (lambda folder: config(folder, d_model="wide"), "'d_model'"),
        (lambda folder: config(folder, max_source_positions=1400), "`chunk: 30` is 3000 mel frames, and"),
    ],
)  # fmt: skip
def test_a_checkpoint_that_does_not_fit_is_refused(
    tmp_path: Path, change: Callable[[Path], object], sentence: str
) -> None:
    checkpoints.whisper(tmp_path)
    change(tmp_path)
    if "chunk" in sentence:
        tensors(tmp_path, model__encoder__embed_positions__weight=torch.zeros(1400, checkpoints.WIDTH))
    with pytest.raises(ValueError, match=re.escape(sentence)) as refused:
        loaded(Whisper, tmp_path)
    assert str(tmp_path) in str(refused.value) and "\n" not in str(refused.value)


def test_another_kind_of_checkpoint_is_refused(tmp_path: Path) -> None:
    checkpoints.whisper(tmp_path)
    with pytest.raises(ValueError, match="no such encoder"):
        loaded(StepAudio, tmp_path)


def test_a_device_that_is_not_here_is_named(tmp_path: Path) -> None:
    checkpoints.whisper(tmp_path)
    with pytest.raises(ValueError, match="`device: nowhere` is not here"):
        Whisper(checkpoint=str(tmp_path), device="nowhere").load(nothing)


@pytest.mark.parametrize(("kind", "_"), KINDS)
def test_counting_needs_no_checkpoint(kind: type[MelEncoder], _: object) -> None:
    away = kind(checkpoint="not/here")
    assert away.placeholders(16_000) == kind().placeholders(16_000) > 0
    assert away.fingerprint_settings() == kind(device="cuda", batch=2).fingerprint_settings() == {"chunk": kind().chunk}
    with pytest.raises(ValueError, match=r"counts placeholders: name its network with `checkpoint:` to train with it"):
        kind().load(nothing)
    with pytest.raises(ValueError, match="not/here: no such file or folder"):
        away.load(nothing)
