"""pocketsphinx on speech that espeak makes here, and on real speech where there is some (WEFT_DATA, ../shared/data)."""

import json
import os
import random
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.pipelines.aligners.calls import align_one
from weft.pipelines.aligners.base import Unalignable
from weft.pipelines.aligners.common.at_once import align_samples
from weft.pipelines.aligners.sphinx import Aligner
from weft.pipelines.audio.sound import RATE
from weft.schemas.audio import Audio, Utterance, Word

DATA = Path(os.environ.get("WEFT_DATA", Path(__file__).parents[4] / "shared" / "data"))
Synthesized = Callable[..., tuple[np.ndarray, tuple[Word, ...]]]
LINES = (
    "The cat sat on the mat",
    "Six spoons of fresh snow peas",
    "Please call Stella and ask her to bring these things with her from the store",
    "This new display attracts more customers than ever",
)


@pytest.fixture(scope="module")
def aligner() -> Aligner:
    aligner = Aligner()
    aligner.setup()
    return aligner


def check(words: tuple[Word, ...], written: list[str], samples: np.ndarray) -> None:
    bounds = [bound for word in words for bound in (word.start, word.end)]
    assert [word.text for word in words] == written
    assert bounds == sorted(bounds)
    assert bounds[0] >= 0
    assert bounds[-1] <= len(samples) / RATE


@pytest.mark.parametrize("line", LINES)
def test_words_lie_where_the_voice_says(aligner: Aligner, line: str, spoken: Synthesized) -> None:
    samples, truth = spoken(line)
    words = align_samples(aligner, samples, line.split()).words
    check(words, line.split(), samples)
    errors = [abs(w.start - t.start) + abs(w.end - t.end) for w, t in zip(words, truth, strict=True)]
    assert np.mean(errors) / 2 < 0.06


def test_phones_are_those_of_the_words(aligner: Aligner, spoken: Synthesized) -> None:
    samples, _ = spoken(LINES[0])
    found = align_samples(aligner, samples, LINES[0].split())
    inside = [
        [p.text for p in found.phones if w.start - 1e-9 <= p.start and p.end <= w.end + 1e-9] for w in found.words
    ]
    assert sum(map(len, inside)) == len(found.phones)
    for word, phones in zip(found.words, inside, strict=True):
        assert " ".join(phones) in aligner.pronunciations(word.text.lower())


def test_a_pause_belongs_to_no_word(aligner: Aligner, spoken: Synthesized) -> None:
    first, second = spoken(LINES[0])[0], spoken(LINES[3])[0]
    pause = np.random.RandomState(1).normal(0, 1e-4, RATE).astype(np.float32)
    samples = np.concatenate([first, pause, second])
    words = align_samples(aligner, samples, f"{LINES[0]} {LINES[3]}".split()).words
    here, there = words[5], words[6]
    assert there.start - here.end > 0.8
    assert here.end < len(first) / RATE + 0.1
    assert there.start > len(first) / RATE + 0.9


def test_written_words_keep_their_number(aligner: Aligner, spoken: Synthesized) -> None:
    written = ["Well", "-", "the", "42", "self-made", "wefts,", "sat", "(on)", "the", "zyxomat", "!"]
    samples, _ = spoken("Well the forty two self made wefts sat on the zyxomat")
    words = align_samples(aligner, samples, written).words
    check(words, written, samples)
    assert words[1].start == words[1].end == words[0].end


def test_order_changes_nothing(aligner: Aligner, spoken: Synthesized) -> None:
    """Levels, lengths, unknown words and failures differ, so that anything carried over would show."""
    texts = [*LINES, "the zyxomat of 1984", "good morning"]
    jobs = [
        (spoken(text)[0] * level, text.split()) for text, level in zip(texts, (1, 0.05, 0.5, 1, 0.2, 1), strict=True)
    ]
    jobs += [(samples, words) for (samples, _), (_, words) in pairwise(jobs)]

    def outcome(which: Aligner, number: int) -> object:
        try:
            return align_samples(which, *jobs[number]).words
        except Unalignable as refusal:
            return refusal.reason, refusal.detail

    fresh = Aligner()
    fresh.setup()
    want = [outcome(fresh, number) for number in range(len(jobs))]
    order = list(range(len(jobs))) * 2
    random.Random(0).shuffle(order)
    assert [outcome(aligner, number) for number in order] == [want[number] for number in order]


def test_the_transcript_of_another_clip_is_refused(aligner: Aligner, spoken: Synthesized) -> None:
    for line, other in zip(LINES, LINES[1:] + LINES[:1], strict=True):
        with pytest.raises(Unalignable) as caught:
            align_samples(aligner, spoken(line)[0], other.split())
        assert caught.value.reason in ("mismatch", "alignment_failed")


def test_the_check_can_be_turned_off(spoken: Synthesized) -> None:
    lenient = Aligner(min_score=-1e9)
    lenient.setup()
    samples, _ = spoken(LINES[2])
    check(align_samples(lenient, samples, LINES[0].split()).words, LINES[0].split(), samples)


@pytest.mark.parametrize("seconds", [0, 0.001, 0.02, 0.3, 3.0])
@pytest.mark.parametrize("level", [0.0, 1e-3, 0.3, 5.0])
def test_what_is_not_speech_is_refused(aligner: Aligner, seconds: float, level: float) -> None:
    noise = np.random.RandomState(2).normal(0, 1, round(seconds * RATE)).astype(np.float32) * np.float32(level)
    with pytest.raises(Unalignable) as caught:
        align_samples(aligner, noise, LINES[0].split())
    assert caught.value.reason in ("mismatch", "alignment_failed")


def test_long_audio_and_strange_letters_are_refused() -> None:
    short = Aligner(max_seconds=1.0)
    short.setup()
    with pytest.raises(Unalignable) as caught:
        align_samples(short, np.zeros(RATE + 1, np.float32), ["cat"])
    assert caught.value.reason == "too_long"
    with pytest.raises(Unalignable) as caught:
        align_samples(short, np.zeros(RATE, np.float32), ["cat", "кот"])
    assert caught.value.reason == "unknown_word"


def test_an_utterance_says_who_aligned_it(aligner: Aligner, spoken: Synthesized) -> None:
    samples, _ = spoken(LINES[1])
    utterance = Utterance(
        key="a-0",
        recording="a",
        source="s",
        audio=Audio("a.wav"),
        sha256="",
        start=2.0,
        end=2.0 + len(samples) / RATE,
        text=LINES[1],
    )
    alignment = align_one(aligner, utterance, samples)
    assert alignment.aligner.startswith("sphinx pocketsphinx-5")
    assert -6 < alignment.score < 0


def test_it_says_nothing(aligner: Aligner, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Unalignable):
        align_samples(aligner, np.zeros(RATE, np.float32), LINES[2].split())
    assert capfd.readouterr() == ("", "")


def learner_clips() -> Iterator[tuple[np.ndarray, str]]:
    folder = DATA / "speechocean762"
    for clip in json.loads((folder / "subset.json").read_text()).values():
        samples, rate = soundfile.read(folder / clip["wav"], dtype="float32")
        assert rate == RATE
        yield samples, clip["text"].lower()


@pytest.mark.skipif(not (DATA / "speechocean762").exists(), reason="no real speech here (set WEFT_DATA)")
def test_real_speech_keeps_its_own_transcript_and_refuses_others(aligner: Aligner) -> None:
    clips = list(learner_clips())[::2]

    def taken(samples: np.ndarray, text: str) -> bool:
        try:
            check(align_samples(aligner, samples, text.split()).words, text.split(), samples)
        except Unalignable:
            return False
        return True

    own = [taken(samples, text) for samples, text in clips]
    other = [taken(samples, text) for (samples, _), (_, text) in zip(clips, clips[7:] + clips[:7], strict=True)]
    assert sum(own) >= 0.95 * len(own)
    assert sum(other) <= 0.1 * len(other)
