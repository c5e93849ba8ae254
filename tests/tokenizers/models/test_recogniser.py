"""The recogniser learns transcripts, and its states depend on no more audio than their reach."""

from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
import pytest
import torch

from weft.tokenizers.fsq import Tokenizer as Fsq
from weft.tokenizers.linguistic import Tokenizer
from weft.tokenizers.models.recogniser import Recogniser, RecogniserShape, infer, log_mel_batch
from weft.tokenizers.stream import Speech
from weft.tokenizers.training.recogniser import RecogniserTraining, alphabet, lessons_of, normalised_text


def initial(before: int = 2) -> Recogniser:
    torch.manual_seed(2)
    return Recogniser(
        RecogniserShape(hop=640, width=16, heads=2, before=before, after=0), torch.nn.Identity(), 4
    ).eval()


def test_it_learns_the_transcripts(buzzes: list[Speech], tmp_path: Path) -> None:
    settings = RecogniserTraining(steps=800, width=32, heads=2, layers=2, batch_seconds=8, lr=5e-3, sound=0)
    tokenizer = Tokenizer(size=8, training=settings)
    tokenizer.train(buzzes, tmp_path, seed=1)
    model, letters = tokenizer._ready(), alphabet(buzzes)
    similarities = []
    for one in buzzes:
        best = model(*log_mel_batch([one.samples], 960))[0][0].argmax(-1).tolist()
        read = "".join(letters[b - 1] for n, b in enumerate(best) if b and (not n or best[n - 1] != b))
        similarities.append(SequenceMatcher(None, one.text, read).ratio())
    assert np.mean(similarities) > 0.8


def test_a_state_depends_only_on_audio_within_its_reach() -> None:
    model, rng = initial(), np.random.default_rng(0)
    samples = rng.normal(0, 0.1, 16_000 * 12).astype(np.float32)
    (whole,) = infer([samples], 640, model.states)
    reach = RecogniserShape(hop=640, width=16, heads=2, before=2, after=0).reach
    other = samples.copy()
    other[: 640 * 50] = 0
    (changed,) = infer([other], 640, model.states)
    assert np.allclose(whole[50 + reach :], changed[50 + reach :], atol=1e-5)
    assert not np.allclose(whole[:50], changed[:50], atol=1e-3)


def test_a_batch_gives_the_states_of_each_clip_alone() -> None:
    model, rng = initial(), np.random.default_rng(0)
    rows = [rng.normal(0, 0.1, n).astype(np.float32) for n in (20_000, 9_000, 15_111)]
    for alone, together in zip(
        [infer([r], 640, model.states)[0] for r in rows], infer(rows, 640, model.states), strict=True
    ):
        assert alone.shape == together.shape and np.allclose(alone, together, atol=1e-5)


def test_transcripts_become_characters() -> None:
    assert normalised_text("And—THEN, it's  Ｆ1!") == "and then it's f1"
    speech = [
        Speech(np.zeros(16_000, np.float32), "Ab!"),
        Speech(np.zeros(16_000, np.float32), "..."),
        Speech(np.zeros(90_000, np.float32), "b"),
    ]
    assert alphabet(speech) == "ab"
    (lesson,) = lessons_of(speech, "ab", 640, 2.0)
    assert lesson.characters == (1, 2) and lesson.frames == 25
    with pytest.raises(ValueError, match="none of the 1 clips has a transcript"):
        lessons_of(speech[1:2], "ab", 640, 2.0)


def test_refuses_settings_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="make 9 codes, but `size` is 10"):
        Fsq(size=10, levels=(3, 3))
    with pytest.raises(ValueError, match=r"12\.5 or 25 Hz"):
        Fsq(rate=50)
