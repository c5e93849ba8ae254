"""Style codes predict emotions and speakers; with labels, without, and from the encoder of a checkpoint."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import Wav2Vec2Model

from tests.checkpoints import small_hubert
from weft.tokenizers.models.style_encoder import labels_of
from weft.tokenizers.stream import Speech
from weft.tokenizers.style import StyleTraining, Tokenizer


def halves(speech: list[Speech]) -> list[Speech]:
    return [
        Speech(one.samples[a : a + 16_000], speaker=one.speaker, emotion=one.emotion)
        for one in speech
        for a in (0, 16_000)
    ]


@pytest.mark.parametrize("labelled", [True, False])
def test_codes_predict_emotions_and_speakers(labelled: bool, buzzes: list[Speech], tmp_path: Path) -> None:
    tokenizer = Tokenizer(size=8, training=StyleTraining(steps=80, width=24, batch=8))
    tokenizer.train(buzzes if labelled else [Speech(one.samples) for one in buzzes], tmp_path, seed=1)
    seen: dict[int, list[tuple[str, str]]] = {}
    for one in halves([one for one in buzzes if len(one.samples) >= 32_000]):
        seen.setdefault(int(tokenizer.encode(one).ids[0]), []).append((one.speaker, one.emotion))
    right = sum(max(kinds.count(kind) for kind in set(kinds)) for kinds in seen.values())
    assert right / sum(map(len, seen.values())) > (0.85 if labelled else 0.6)


def test_a_code_a_second_and_one_for_a_remainder_of_a_tenth(buzzes: list[Speech]) -> None:
    frames = Tokenizer().frames
    assert [frames(n) for n in (0, 1599, 1600, 16_000, 17_599, 17_600, 40_000)] == [0, 0, 1, 1, 1, 2, 3]


def test_the_encoder_of_a_checkpoint(buzzes: list[Speech], tmp_path: Path) -> None:
    torch.manual_seed(1)
    Wav2Vec2Model(small_wav2vec2()).eval().save_pretrained(tmp_path / "given")
    tokenizer = Tokenizer(size=4, model=str(tmp_path / "given"), layer=1)
    tokenizer.train(buzzes, tmp_path / "out", seed=1)
    stream = tokenizer.encode(buzzes[0])
    assert stream.durations.sum() == tokenizer.frames(len(buzzes[0].samples))
    assert tokenizer.checksum
    Wav2Vec2Model(small_wav2vec2()).eval().save_pretrained(tmp_path / "other")
    for name, layer in (("given", 2), ("other", 1)):
        with pytest.raises(ValueError, match=r"`layer` is 2|of another `model`"):
            Tokenizer(size=4, model=str(tmp_path / name), layer=layer).load(tmp_path / "out")
    long = np.concatenate([one.samples for one in buzzes] * 3)  # longer than a window
    assert tokenizer.encode(Speech(long)).durations.sum() == tokenizer.frames(len(long))


def small_wav2vec2() -> object:
    from transformers import Wav2Vec2Config

    settings = small_hubert(rate=50).to_dict()
    settings.pop("model_type")
    return Wav2Vec2Config.from_dict(settings)


def test_labels_with_one_value_are_not_used() -> None:
    speech = [
        Speech(np.zeros(1), speaker="a", emotion="joy"),
        Speech(np.zeros(1), speaker="a"),
        Speech(np.zeros(1), speaker="a", emotion="anger"),
    ]
    names, numbers = labels_of(speech)
    assert names == [["anger", "joy"]] and numbers.tolist() == [[1], [-1], [0]]
    names, numbers = labels_of([Speech(np.zeros(1))] * 2)
    assert names == [] and numbers.shape == (2, 0)
