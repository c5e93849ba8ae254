"""faster-whisper with an English Whisper of random weights: its words mean nothing, all the rest is real."""

import json
from pathlib import Path

import numpy as np
import pytest

from weft.pipelines.transcribers.base import SpokenClip
from weft.pipelines.transcribers.whisper import Transcriber

pytestmark = pytest.mark.backends
RATE = 16_000


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Whisper with Whisper's own vocabulary layout, converted by ctranslate2."""
    import ctranslate2
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import (
        PreTrainedTokenizerFast,
        WhisperConfig,
        WhisperFeatureExtractor,
        WhisperForConditionalGeneration,
    )
    from transformers.models.whisper.tokenization_whisper import LANGUAGES

    folder = tmp_path_factory.mktemp("whisper")
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE({letter: n for n, letter in enumerate(letters)}, []))
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    tasks = ("translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps")
    marks = [
        "<|endoftext|>",
        "<|startoftranscript|>",
        *(f"<|{code}|>" for code in LANGUAGES),
        *(f"<|{t}|>" for t in tasks),
    ]
    made.add_special_tokens(marks)
    made.add_tokens([f"<|{n * 0.02:.2f}|>" for n in range(1501)])
    PreTrainedTokenizerFast(
        tokenizer_object=made, eos_token="<|endoftext|>", bos_token="<|endoftext|>"
    ).save_pretrained(folder)
    ids = {mark: made.token_to_id(mark) for mark in marks}
    torch.manual_seed(0)
    config = WhisperConfig(
        vocab_size=made.get_vocab_size(), d_model=64, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=64, decoder_ffn_dim=64, eos_token_id=ids["<|endoftext|>"],
        bos_token_id=ids["<|endoftext|>"], pad_token_id=ids["<|endoftext|>"],
        decoder_start_token_id=ids["<|startoftranscript|>"],
    )  # fmt: skip
    whisper = WhisperForConditionalGeneration(config)
    whisper.generation_config.update(
        suppress_tokens=[], begin_suppress_tokens=[], alignment_heads=[[0, 0]],
        lang_to_id={f"<|{code}|>": ids[f"<|{code}|>"] for code in LANGUAGES}, no_timestamps_token_id=ids["<|notimestamps|>"],
    )  # fmt: skip
    whisper.save_pretrained(folder)
    WhisperFeatureExtractor().save_pretrained(folder)
    converted = folder / "converted"
    ctranslate2.converters.TransformersConverter(
        str(folder), copy_files=["tokenizer.json", "preprocessor_config.json"]
    ).convert(str(converted))
    assert json.loads((converted / "config.json").read_text())
    return converted


def test_each_clip_gets_its_own_transcript(model: Path) -> None:
    transcriber = Transcriber(model=str(model), beam=1, batch=4)
    transcriber.setup()
    rng = np.random.default_rng(0)
    clips = [
        SpokenClip(rng.normal(0, 0.1, round(s * RATE)).astype(np.float32), lang)
        for s, lang in ((2, "en"), (3, "en"), (1, ""))
    ]
    found = list(transcriber.transcribe(clips))
    assert [t.language for t in found] == ["en", "en", "en"]
    assert all(0 <= t.confidence <= 1 for t in found)
    assert all(isinstance(t.text, str) for t in found)
    assert transcriber.version().startswith("faster-whisper-1.")


def test_a_model_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="none: no such file or folder"):
        Transcriber(model=str(tmp_path / "none")).setup()
