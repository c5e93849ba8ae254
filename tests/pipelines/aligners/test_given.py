"""Words that came with the utterance are taken as they are, when they can be right."""

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.pipelines.aligners.calls import align_one
from weft.pipelines.aligners.base import Unalignable
from weft.pipelines.aligners.given import Aligner
from weft.schemas.audio import Audio, Utterance, Word

NO_AUDIO = np.zeros(0, np.float32)
UTTERANCE = Utterance(
    key="clip-1-0001",
    recording="clip-1",
    source="speech",
    audio=Audio("clip.wav"),
    sha256="",
    start=3.0,
    end=4.0,
    text="good morning",
)


def aligned(*words: Word) -> tuple[Word, ...]:
    return align_one(Aligner(), replace(UTTERANCE, words=words), NO_AUDIO).words


def test_good_words_pass_unchanged_and_need_no_audio() -> None:
    words = (Word(text="good", start=0.1, end=0.4, score=-1.0), Word(text="morning", start=0.4, end=0.9, score=-3.0))
    alignment = align_one(Aligner(), replace(UTTERANCE, words=words), NO_AUDIO)
    assert alignment.words == words
    assert (alignment.key, alignment.seconds, alignment.aligner) == ("clip-1-0001", 1.0, "given 1")
    assert alignment.score == pytest.approx((-1.0 * 0.3 - 3.0 * 0.5) / 0.8)


def test_what_reaches_over_a_little_is_trimmed() -> None:
    words = aligned(Word("good", -0.03, 0.42), Word("morning", 0.4, 1.04))
    assert words == (Word("good", 0.0, 0.42), Word("morning", 0.42, 1.0))


@pytest.mark.parametrize(
    "words",
    [
        (Word("good", -0.06, 0.4),),
        (Word("good", 0.1, 1.06),),
        (Word("good", 0.5, 0.4),),
        (Word("good", 0.1, 0.5), Word("morning", 0.4, 0.9)),
        (Word("morning", 0.4, 0.9), Word("good", 0.1, 0.4)),
        (Word("good", math.nan, 0.4),),
        (Word("good", 0.1, math.inf),),
    ],
    ids=["before", "after", "backwards", "overlap", "unordered", "nan", "endless"],
)
def test_impossible_times_are_refused(words: tuple[Word, ...]) -> None:
    with pytest.raises(Unalignable, match="word") as caught:
        aligned(*words)
    assert caught.value.reason == "bad_timing"


def test_no_words_are_refused() -> None:
    with pytest.raises(Unalignable) as caught:
        aligned()
    assert caught.value.reason == "no_words"
