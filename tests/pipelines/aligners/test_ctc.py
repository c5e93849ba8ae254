"""A CTC checkpoint made on the spot: its words lie where its likeliest path says, and what it cannot spell is told."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import Wav2Vec2Config, Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

from weft.pipelines.aligners.base import Unalignable
from weft.pipelines.aligners.common.at_once import align_samples
from weft.pipelines.aligners.ctc import Aligner
from weft.pipelines.audio.sound import RATE

HOP = 320


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ctc")
    characters = ["<pad>", "<s>", "</s>", "<unk>", "|", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ'"]
    (folder / "vocab.json").write_text(json.dumps({c: n for n, c in enumerate(characters)}))
    Wav2Vec2CTCTokenizer(str(folder / "vocab.json")).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)
    torch.manual_seed(3)
    config = Wav2Vec2Config(
        vocab_size=len(characters), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        conv_dim=(8,) * 7, num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=2, pad_token_id=0,
    )  # fmt: skip
    Wav2Vec2ForCTC(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def aligner(checkpoint: Path) -> Aligner:
    made = Aligner(model=str(checkpoint), min_score=-100, max_seconds=60)
    made.setup()
    return made


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    return np.random.default_rng(4).uniform(-0.3, 0.3, 2 * RATE).astype(np.float32)


def test_words_lie_in_order_within_the_audio(aligner: Aligner, noise: np.ndarray) -> None:
    words = align_samples(aligner, noise, ["Ask", "not", "what", "-", "it's"]).words
    assert [w.text for w in words] == ["Ask", "not", "what", "-", "it's"]
    times = [t for w in words for t in (w.start, w.end)]
    assert times == sorted(times) and times[0] >= 0 and times[-1] <= 2
    assert all(w.start < w.end and w.score < 0 for w in words if w.text != "-")


def test_each_word_has_a_frame_for_each_of_its_characters(aligner: Aligner, noise: np.ndarray) -> None:
    for word in align_samples(aligner, noise, ["abc", "hello"]).words:
        assert word.end - word.start >= (len(word.text) - 0.5) * HOP / RATE


def test_a_word_is_spelt_in_the_model_s_case_without_what_it_has_not(aligner: Aligner, noise: np.ndarray) -> None:
    assert align_samples(aligner, noise, ["naïve"]).words[0].end == align_samples(aligner, noise, ["NAVE"]).words[0].end


@pytest.mark.parametrize(
    ("words", "seconds", "reason"),
    [(["雨"], 1.0, "unknown_word"), (["word"] * 40, 1.0, "alignment_failed"), (["word"], 61.0, "too_long")],
)
def test_what_cannot_be_aligned(aligner: Aligner, words: list[str], seconds: float, reason: str) -> None:
    with pytest.raises(Unalignable) as fault:
        align_samples(aligner, np.zeros(round(seconds * RATE), np.float32), words)
    assert fault.value.reason == reason


def test_a_poor_score_is_a_mismatch(checkpoint: Path, noise: np.ndarray) -> None:
    strict = Aligner(model=str(checkpoint), min_score=-0.1)
    strict.setup()
    with pytest.raises(Unalignable, match="below min_score"):
        align_samples(strict, noise, ["ask"])


def test_utterances_do_not_change_each_other(aligner: Aligner, noise: np.ndarray) -> None:
    first = align_samples(aligner, noise, ["ask", "not"]).words
    align_samples(aligner, noise[::2], ["other"])
    assert align_samples(aligner, noise, ["ask", "not"]).words == first


def test_the_version_names_the_weights(checkpoint: Path, tmp_path: Path) -> None:
    for name in ("same", "other"):
        shutil.copytree(checkpoint, tmp_path / name)
    weights = bytearray((tmp_path / "other/model.safetensors").read_bytes())
    weights[-1] ^= 1
    (tmp_path / "other/model.safetensors").write_bytes(weights)
    one, same, other = (Aligner(model=str(p)).version() for p in (checkpoint, tmp_path / "same", tmp_path / "other"))
    assert one == same != other


def test_what_is_no_checkpoint_is_reported_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no CTC checkpoint could be read") as fault:
        Aligner(model=str(tmp_path)).setup()
    assert "\n" not in str(fault.value)


def test_the_code_of_a_checkpoint_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is anybody asked whether it should be."""
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    options = {"tokenizer_class": "OwnTokenizer", "auto_map": {"AutoTokenizer": ["own.OwnTokenizer", None]}}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(options))
    (tmp_path / "own.py").write_text("raise SystemExit('its code was run')")
    with pytest.raises(ValueError, match="no CTC checkpoint could be read"):
        Aligner(model=str(tmp_path)).setup()


@pytest.mark.parametrize("device", ["gpu", "cuda:77"])
def test_a_device_that_is_not_here_is_reported_in_one_sentence(checkpoint: Path, device: str) -> None:
    with pytest.raises(ValueError, match=f"`device: {device}` is not here"):
        Aligner(model=str(checkpoint), device=device).setup()
