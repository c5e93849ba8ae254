"""The aligner that learns, on a corpus that espeak speaks here, and on real speech where there is some (WEFT_DATA)."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.pipelines.aligners.calls import align_one
from tests.pipelines.aligners.lines import LINES
from weft.pipelines.aligners import sphinx
from weft.pipelines.aligners.adapted import Aligner
from weft.pipelines.aligners.base import Clip, Unalignable
from weft.pipelines.aligners.common.at_once import align_samples
from weft.pipelines.audio.sound import RATE
from weft.schemas.audio import Audio, Utterance, Word

DATA = Path(os.environ.get("WEFT_DATA", Path(__file__).parents[4] / "shared" / "data"))
VOICES = ("f2", "m3")


@pytest.fixture(scope="module")
def corpus(spoken: Callable[..., tuple[np.ndarray, tuple[Word, ...]]]) -> list[tuple[Clip, tuple[Word, ...], str]]:
    made = [(line, variant, *spoken(line, variant)) for line in LINES for variant in VOICES]
    return [
        (Clip(samples, Aligner().spoken_words(line), variant), words, line) for line, variant, samples, words in made
    ]


@pytest.fixture(scope="module")
def folder(corpus: list, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("aligner")
    learner = Aligner()
    learner.setup()
    learner.train([clip for clip, _, _ in corpus], out, seed=1)
    return out


@pytest.fixture(scope="module")
def aligner(folder: Path) -> Aligner:
    made = Aligner()
    made.setup()
    made.load(folder)
    return made


def mean_error(aligner: sphinx.Aligner, corpus: list) -> float:
    starts = []
    for clip, truth, line in corpus:
        words = align_samples(aligner, clip.samples, line.split(), clip.speaker).words
        starts += [abs(w.start - t.start) for w, t in zip(words, truth, strict=True)]
    return float(np.mean(starts))


def test_it_is_nearer_than_the_words_it_began_from(aligner: Aligner, corpus: list) -> None:
    first = sphinx.Aligner(min_score=-1e9)
    first.setup()
    assert mean_error(aligner, corpus) < 0.7 * mean_error(first, corpus)


def test_words_and_phones_cover_one_another(aligner: Aligner, corpus: list) -> None:
    for clip, _, line in corpus[:6]:
        found = align_samples(aligner, clip.samples, line.split(), clip.speaker)
        assert [w.text for w in found.words] == line.split()
        bounds = [b for w in found.words for b in (w.start, w.end)]
        assert bounds == sorted(bounds)
        inside = [[p for p in found.phones if w.start <= p.start and p.end <= w.end] for w in found.words]
        assert sum(map(len, inside)) == len(found.phones)
        for word, phones in zip(found.words, inside, strict=True):
            assert (phones[0].start, phones[-1].end) == (word.start, word.end)
            assert " ".join(p.text for p in phones) in aligner.pronunciations(word.text.lower())


def test_of_other_transcripts_it_takes_at_most_one_in_twenty_of_its_own_it_loses_few(
    aligner: Aligner, corpus: list
) -> None:
    def taken(clip: Clip, line: str) -> bool:
        try:
            align_samples(aligner, clip.samples, line.split(), clip.speaker)
        except Unalignable as fault:
            assert fault.reason in ("mismatch", "alignment_failed")
            return False
        return True

    own = [taken(clip, line) for clip, _, line in corpus]
    other = [taken(clip, line) for clip, _, text in corpus for line in LINES if line != text]
    assert np.mean(own) >= 0.97
    assert np.mean(other) <= 0.05


def test_too_little_to_learn_from_leaves_the_first_aligners_words(corpus: list, tmp_path: Path) -> None:
    lone, first = Aligner(), sphinx.Aligner()
    lone.setup()
    first.setup()
    lone.train([corpus[0][0]], tmp_path, seed=1)
    assert not list(tmp_path.iterdir())
    lone.load(tmp_path)
    clip, _, line = corpus[0]
    assert align_samples(lone, clip.samples, line.split()) == align_samples(first, clip.samples, line.split())


def test_nothing_is_learned_where_most_transcripts_are_wrong(corpus: list, tmp_path: Path) -> None:
    wary = Aligner()
    wary.setup()
    clips = [Clip(a.samples, b.spoken, a.speaker) for (a, _, _), (b, _, _) in zip(corpus, corpus[5:], strict=False)]
    wary.train([corpus[0][0], *clips], tmp_path, seed=1)
    assert not list(tmp_path.iterdir())


def test_what_it_refuses_it_says(aligner: Aligner, corpus: list) -> None:
    clip = corpus[0][0]
    for samples, words, reason in (
        (clip.samples[:800], LINES[0].split(), "alignment_failed"),
        (clip.samples, ["кот"], "unknown_word"),
        (np.random.default_rng(0).normal(0, 0.3, 3 * RATE).astype(np.float32), LINES[0].split(), "mismatch"),
        (np.zeros(3 * RATE, np.float32), LINES[0].split(), "mismatch"),
    ):
        with pytest.raises(Unalignable) as caught:
            align_samples(aligner, samples, words)
        assert caught.value.reason == reason


def test_another_language_is_not_tried(aligner: Aligner, corpus: list) -> None:
    clip = corpus[0][0]
    utterance = Utterance(
        key="a-0",
        recording="a",
        source="s",
        audio=Audio("a.wav"),
        sha256="",
        start=0.0,
        end=len(clip.samples) / RATE,
        text=LINES[0],
        language="de-AT",
    )
    with pytest.raises(Unalignable) as caught:
        align_one(aligner, utterance, clip.samples)
    assert caught.value.reason == "language"


def test_a_language_is_one_that_espeak_reads() -> None:
    assert Aligner(language="de").spoken_language == "de"
    with pytest.raises(ValueError, match="no voice for the language 'xx'"):
        Aligner(language="xx")


def clips_of(folder: Path) -> list[tuple[Clip, str]]:
    clips = json.loads((folder / "subset.json").read_text()).values()
    return [
        (
            Clip(soundfile.read(folder / c["wav"], dtype="float32")[0], Aligner().spoken_words(c["text"]), c["spk"]),
            c["text"].lower(),
        )
        for c in clips
    ]


@pytest.mark.skipif(not (DATA / "speechocean762").exists(), reason="no real speech here (set WEFT_DATA)")
def test_real_speech_keeps_its_own_transcript_and_refuses_others(tmp_path: Path) -> None:
    clips = clips_of(DATA / "speechocean762")
    learner = Aligner()
    learner.setup()
    learner.train([clip for clip, _ in clips], tmp_path, seed=1)
    learner.load(tmp_path)

    def refused(clip: Clip, text: str) -> bool:
        try:
            align_samples(learner, clip.samples, text.split(), clip.speaker)
        except Unalignable:
            return True
        return False

    assert np.mean([refused(*both) for both in clips]) <= 0.03
    others = [
        (a, text) for shift in (3, 11) for (a, _), (_, text) in zip(clips, clips[shift:] + clips[:shift], strict=True)
    ]
    assert np.mean([refused(*both) for both in others]) >= 0.95
