"""Recordings longer than an aligner takes: the words lie where aligning each piece alone puts them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from tests.pipelines.aligners.lines import LINES as SENTENCES
from tests.pipelines.audio.held import HeldAudio
from weft.pipelines.aligners import base, sphinx
from weft.pipelines.aligners.base import Clip, Timed, Unalignable
from weft.pipelines.aligners.common.at_once import align_samples
from weft.pipelines.aligners.common.windows import LongRecording, align_long, anchor
from weft.pipelines.audio.sound import RATE
from weft.schemas.audio import Audio, Utterance, Word

LINES = SENTENCES[:8]
LONGEST_READ = 160.0


@pytest.fixture(scope="module")
def aligner() -> sphinx.Aligner:
    made = sphinx.Aligner()
    made.setup()
    return made


@pytest.fixture(scope="module")
def pieces(spoken: Callable[..., tuple[np.ndarray, tuple[Word, ...]]]) -> list[tuple[np.ndarray, str]]:
    order = np.random.default_rng(0).permutation(np.repeat(np.arange(len(LINES)), 2))
    clips = {line: spoken(line)[0] for line in LINES}
    return [(clips[LINES[n]], LINES[n]) for n in order]


@dataclass(frozen=True)
class InWindows(HeldAudio):
    """Never read whole."""

    def load(self, utterance: Utterance) -> np.ndarray:
        raise AssertionError("it was read whole")

    def stretch(self, utterance: Utterance, start: float, end: float) -> np.ndarray:
        assert end - start <= LONGEST_READ
        return super().stretch(utterance, start, end)


def recording(aligner: base.Aligner, samples: np.ndarray, words: list[str]) -> LongRecording:
    utterance = Utterance(
        key="long", recording="long", source="s", audio=Audio("a.wav"), sha256="", start=0.0, end=len(samples) / RATE,
        text=" ".join(words),
    )  # fmt: skip
    return LongRecording(aligner=aligner, audio=InWindows(samples=samples), utterance=utterance)


def test_a_long_recording_is_as_its_pieces(aligner: sphinx.Aligner, pieces: list) -> None:
    alone: list[float] = []
    at = 0.0
    for samples, line in pieces:
        alone += [at + w.start for w in align_samples(aligner, samples, line.split()).words]
        at += len(samples) / RATE
    words = " ".join(line for _, line in pieces).split()
    found = align_long(recording(aligner, np.concatenate([samples for samples, _ in pieces]), words))
    assert [w.text for w in found.words] == words
    errors = np.abs(np.array([w.start for w in found.words]) - np.array(alone))
    assert np.median(errors) <= 0.02 and np.percentile(errors, 95) <= 0.1
    assert all(a.end <= b.start + 1e-6 for a, b in zip(found.words, found.words[1:], strict=False))
    assert found.phones[-1].end == pytest.approx(found.words[-1].end, abs=0.05)


class Refusing(base.Aligner):
    """Finds nothing."""

    def align_clip(self, clip: Clip) -> Timed:
        raise Unalignable("mismatch", "other words are said")


def test_another_transcript_is_refused_with_its_place() -> None:
    with pytest.raises(Unalignable) as fault:
        align_long(recording(Refusing(), np.zeros(70 * RATE, np.float32), " ".join(LINES * 3).split()))
    assert fault.value.reason == "no_anchor" and "from 0.0 s of 70.0 s on" in fault.value.detail


class Knowing(base.Aligner):
    """Reads the second from the samples and the number from the word: `w7` begins where `BEGINS[7]` says."""

    most: float = 200.0

    @property
    def longest(self) -> float:
        return self.most

    def align_clip(self, clip: Clip) -> Timed:
        first, last = clip.samples[[0, -1]].tolist()
        assert last - first <= self.most
        places = [BEGINS[int(word[1:])] for word in clip.spoken]
        if not places or places[4] > last:
            raise Unalignable("mismatch", "other words are said")
        fitted = [p if p + 0.3 <= last else last - 0.3 * (n + 1) / len(places) for n, p in enumerate(places)]
        return Timed([Word(w, p - first, p - first + 0.3) for w, p in zip(clip.spoken, fitted, strict=True)])


BEGINS = [*np.arange(45.0, 150, 0.7), *np.arange(245.0, 330, 0.5), *np.arange(400.0, 430, 0.6)]


@pytest.mark.parametrize("most", [12.0, 200.0])
def test_silence_and_music_of_a_minute_and_more_lie_between_the_words(most: float) -> None:
    seconds = np.arange(440 * RATE, dtype=np.float32) / RATE
    words = [f"w{n}" for n in range(len(BEGINS))]
    long = recording(Knowing(most=most), seconds, words)
    if most < 100:  # no window of it reaches over the silence
        with pytest.raises(Unalignable, match=r"no_anchor.*from 0\.0 s of 440\.0 s on"):
            align_long(long)
        return
    found = align_long(long)
    assert np.abs(np.array([w.start for w in found.words]) - BEGINS).max() <= 0.03


class Strict(base.Aligner):
    """As Knowing, but it refuses words that leave more than two seconds of the window without any."""

    begins: tuple[float, ...]

    def align_clip(self, clip: Clip) -> Timed:
        first, last = clip.samples[[0, -1]].tolist()
        places = [self.begins[int(word[1:])] for word in clip.spoken]
        if max(places) < last - 2.0:
            raise Unalignable("mismatch", "what follows the last word does not sound like it")
        fitted = [p if p + 0.2 <= last else last - 2.0 * (n + 1) / len(places) for n, p in enumerate(places)]
        return Timed([Word(w, p - first, p - first + 0.2) for w, p in zip(clip.spoken, fitted, strict=True)])


def test_a_stretch_may_be_spoken_faster_than_the_rest() -> None:
    begins = (*np.arange(0.5, 30, 0.3).tolist(), *np.arange(30.8, 160, 0.55).tolist())
    seconds = np.arange(161 * RATE, dtype=np.float32) / RATE
    words = [f"w{n}" for n in range(len(begins))]
    found = align_long(recording(Strict(begins=begins), seconds, words))
    assert np.abs(np.array([w.start for w in found.words]) - begins).max() <= 0.03


def timed(*starts: float) -> Timed:
    return Timed([Word("a", start, start + 0.1) for start in starts])


def test_an_anchor_is_the_widest_pause_that_both_agree_on() -> None:
    one = timed(0, 1, 2, 3, 4.5, 5.5, 6.5, 7.5, 9).words
    assert anchor(one, timed(0, 1, 2, 3, 4.5, 5.5, 6.5, 7.5, 8.2, 8.4).words) == 4
    assert anchor(one, timed(0, 1, 2, 3, 4.1, 4.3).words) == 0
    assert anchor(one, one) == 0
