"""Measures of codes that are phones, and of random codes."""

import numpy as np
import pytest

from weft.schemas.audio import Word
from weft.tokenizers.cepstra import Tokenizer
from weft.tokenizers.evaluation.measures import Example, measures
from weft.tokenizers.stream import Speech, Stream

PHONES = ("AA", "S", "M", "IY")


def spoken(rng: np.random.Generator, speaker: str, right: bool) -> Example:
    numbers = rng.integers(0, len(PHONES), 20)
    phones = tuple(Word(PHONES[p], n * 0.2, (n + 1) * 0.2) for n, p in enumerate(numbers))
    ids = np.repeat(numbers, 5) if right else rng.integers(0, len(PHONES), 100)
    stream = Stream(25.0, ids.astype(np.int32), np.ones(100, np.int32))
    return Example(Speech(rng.normal(0, 0.1, 64_000).astype(np.float32), speaker=speaker), stream, phones)


@pytest.fixture
def tokenizer(monkeypatch: pytest.MonkeyPatch) -> Tokenizer:
    """One whose codes of a changed clip are all the same."""
    tokenizer = Tokenizer(size=8)
    monkeypatch.setattr(
        Tokenizer, "_ids", lambda self, speech: (np.zeros(self.frames(len(s.samples)), np.int32) for s in speech)
    )
    return tokenizer


@pytest.mark.parametrize("right", [True, False])
def test_codes_that_are_phones_predict_them_and_random_codes_do_not(right: bool, tokenizer: Tokenizer) -> None:
    rng = np.random.default_rng(1)
    values = dict(measures(tokenizer, [spoken(rng, speaker, right) for speaker in "abab"]))
    assert (values["PNMI with phones"] > 0.999) == (values["phone purity"] > 0.999) == right
    assert (values["ABX error, same speaker"] == 0) == (values["ABX error, different speaker"] == 0) == right
    assert right or values["PNMI with phones"] < 0.1
    assert values["tokens a second"] == 25 and values["codes used"] == 4
    assert values["unit errors, speed 1.1"] > 0.5


def test_without_speakers_there_is_no_abx(tokenizer: Tokenizer) -> None:
    rng = np.random.default_rng(1)
    values = dict(measures(tokenizer, [spoken(rng, "", True) for _ in range(6)]))
    assert values["PNMI with phones"] > 0.999
    assert all(np.isnan(values[f"ABX error, {which} speaker"]) for which in ("same", "different"))


def test_without_phones_the_other_measures_are_given(tokenizer: Tokenizer) -> None:
    example = spoken(np.random.default_rng(1), "a", True)
    values = dict(measures(tokenizer, [Example(example.speech, example.stream)]))
    short = Example(
        Speech(example.speech.samples[:3000]),
        Stream(1.0, np.zeros(1, np.int32), np.ones(1, np.int32)),
        (Word("S", 0.0, 0.2),),
    )
    assert "PNMI with phones" not in dict(measures(tokenizer, [short]))  # no whole frame is of its phone
    assert "PNMI with phones" not in values and values["bits a second"] > 0
