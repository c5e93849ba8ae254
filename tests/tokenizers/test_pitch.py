"""Pitch codes follow F0 above the speaker's mean."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from weft.tokenizers.features.f0 import f0
from weft.tokenizers.pitch import PitchTraining, Tokenizer
from weft.tokenizers.stream import Speech


@pytest.fixture(scope="module")
def tokenizer(buzzes: list[Speech], tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    tokenizer = Tokenizer(size=16, training=PitchTraining(steps=150, batch=8, width=32))
    tokenizer.train(buzzes, tmp_path_factory.mktemp("pitch"), seed=1)
    return tokenizer


def test_decoded_codes_follow_f0(tokenizer: Tokenizer, buzzes: list[Speech]) -> None:
    wild = [one for one in buzzes if one.emotion == "wild"]
    expected, decoded = [], []
    for one in wild:
        ids = tokenizer.encode(one).frames
        track = f0(one.samples)[: 16 * len(ids)]
        above, voiced = tokenizer.decoded(ids)
        assert np.mean((voiced > 0.5) == (track > 0)) > 0.9
        expected.append(track[track > 0] - {"low": 110, "high": 230}[one.speaker])
        decoded.append(above[track > 0])
    assert np.corrcoef(np.concatenate(expected), np.concatenate(decoded))[0, 1] > 0.8


def test_a_speaker_of_the_training_set_is_centred_by_their_mean(
    tokenizer: Tokenizer, buzzes: list[Speech], tmp_path: Path
) -> None:
    assert tokenizer._means["low"] == pytest.approx(110, rel=0.05)
    assert tokenizer._means["high"] == pytest.approx(230, rel=0.05)
    high = next(one for one in buzzes if one.speaker == "high" and one.emotion == "calm")
    own, other, unknown = (tokenizer.encode(replace(high, speaker=s)).frames for s in ("high", "low", "unknown"))
    assert np.mean(own == unknown) > 0.6 and np.mean(own == other) < 0.5


def test_refuses_silence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="none of the 1 clips holds a voiced sound"):
        Tokenizer(size=4).train([Speech(np.zeros(16_000, np.float32))], tmp_path, seed=1)
