"""The chores of every aligner: what is written and what is said, order, bounds."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pipelines.aligners.calls import align_one
from weft.pipelines.aligners import base
from weft.pipelines.aligners.base import Clip, Timed, Unalignable, mean_score, speaker_of
from weft.pipelines.aligners.common.at_once import align_samples
from weft.pipelines.aligners.common.spoken import spoken_forms
from weft.pipelines.audio.sound import RATE
from weft.schemas.audio import Audio, Utterance, Word


class Evenly(base.Aligner):
    """Gives every spoken word `step` seconds, `lap` of which overlap the next."""

    step: float = 0.5
    lap: float = 0.0

    def version(self) -> str:
        return "0"

    def align_clip(self, clip: Clip) -> Timed:
        return Timed(
            [
                Word(text=w, start=n * self.step, end=(n + 1) * self.step + self.lap, score=-float(n))
                for n, w in enumerate(clip.spoken)
            ]
        )


def silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * RATE), np.float32)


def utterance(text: str | None, seconds: float = 4.0) -> Utterance:
    return Utterance(
        key="clip-0",
        recording="clip",
        source="speech",
        audio=Audio("a.wav"),
        sha256="",
        start=1.0,
        end=1.0 + seconds,
        text=text,
    )


def test_words_of_several_and_of_none() -> None:
    words = align_samples(Evenly(), silence(4), ["-", "Well,", "forty-two", "--", "it?"]).words
    assert words == (
        Word(text="-", start=0.0, end=0.0, score=0.0),
        Word(text="Well,", start=0.0, end=0.5, score=0.0),
        Word(text="forty-two", start=0.5, end=1.5, score=-1.5),
        Word(text="--", start=1.5, end=1.5, score=0.0),
        Word(text="it?", start=1.5, end=2.0, score=-3.0),
    )


@given(
    words=st.lists(st.text(max_size=6).filter(lambda w: w == "".join(w.split())), max_size=8),
    step=st.floats(-0.5, 2),
    lap=st.floats(-1, 1),
    seconds=st.floats(0, 3),
)
def test_one_word_each_in_order_inside_the_audio(words: list[str], step: float, lap: float, seconds: float) -> None:
    samples = silence(seconds)
    try:
        out = align_samples(Evenly(step=step, lap=lap), samples, words).words
    except Unalignable:
        assert not any(spoken_forms(word) for word in words)
        return
    bounds = [bound for word in out for bound in (word.start, word.end)]
    assert [word.text for word in out] == words
    assert bounds == sorted(bounds)
    assert all(0 <= bound <= len(samples) / RATE for bound in bounds)


def test_an_utterance_gets_its_alignment() -> None:
    alignment = align_one(Evenly(), utterance("so it is"), silence(4))
    assert [word.text for word in alignment.words] == ["so", "it", "is"]
    assert (alignment.key, alignment.seconds, alignment.score) == ("clip-0", 4.0, -1.0)
    assert alignment.aligner.endswith(" 0")


def test_words_stay_inside_an_utterance_a_sample_shorter_than_its_audio() -> None:
    alignment = align_one(Evenly(), utterance("so it", seconds=1 - 1 / 22050), silence(1))
    assert alignment.words[-1].end == alignment.seconds


@pytest.mark.parametrize("text", [None, "", " \n"])
def test_no_transcript_is_refused(text: str | None) -> None:
    with pytest.raises(Unalignable) as caught:
        align_one(Evenly(), utterance(text), silence(1))
    assert caught.value.reason == "no_transcript"


def test_nothing_to_say_is_refused() -> None:
    with pytest.raises(Unalignable) as caught:
        align_samples(Evenly(), silence(1), ["-", "…"])
    assert caught.value.reason == "no_words"


def test_a_refusal_crosses_processes() -> None:
    back = pickle.loads(pickle.dumps(Unalignable("mismatch", "score -4")))  # noqa: S301
    assert (back.reason, back.detail) == ("mismatch", "score -4")


def test_a_score_is_weighed_by_time() -> None:
    assert (
        mean_score(
            [
                Word(text="a", start=0, end=1, score=-1),
                Word(text="b", start=1, end=4, score=-3),
                Word(text="-", start=4, end=4, score=9),
            ]
        )
        == -2.5
    )
    assert mean_score([]) == 0.0


def test_speakers_of_two_sources_are_told_apart() -> None:
    named = replace(utterance("so"), speaker="s1")
    assert speaker_of(named) != speaker_of(replace(named, source="other"))
    assert speaker_of(utterance("so")) == ""
