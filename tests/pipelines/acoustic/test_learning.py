"""Learning and locating on sound whose phones are known because they are made here."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from weft.pipelines.acoustic.features import HOP
from weft.pipelines.acoustic.learning import TrainingClip, learn
from weft.pipelines.acoustic.locating import PhonePath, align_phones
from weft.pipelines.acoustic.model import AcousticModel
from weft.pipelines.acoustic.phones import Pronunciations

COLOURS = {phone: np.random.default_rng(n).normal(0, 3, 13) for n, phone in enumerate(["", "a", "b", "c", "d"])}
WORDS = {"ab": ("a", "b"), "cd": ("c", "d"), "da": ("d", "a"), "bc": ("b", "c")}


def clip_of(seed: int, speaker: str = "s", blur: float = 0.0) -> tuple[TrainingClip, list[tuple[float, float]]]:
    """Six words, some with a pause after them, each phone a colour of its own; and where they truly are."""
    rng = np.random.default_rng(seed)
    names = rng.choice(list(WORDS), 6)
    frames, truth = [np.tile(COLOURS[""], (20, 1))], []
    at = 20
    for name in names:
        lengths = rng.integers(5, 12, len(WORDS[name]))
        frames += [np.tile(COLOURS[p], (n, 1)) for p, n in zip(WORDS[name], lengths, strict=True)]
        truth.append((at * HOP, (at + lengths.sum()) * HOP))
        pause = 15 * rng.integers(0, 2)
        frames.append(np.tile(COLOURS[""], (pause, 1)))
        at += lengths.sum() + pause
    sound = np.concatenate([*frames, np.tile(COLOURS[""], (20, 1))])
    rough = tuple((max(0.0, a + blur * rng.normal()), b + blur * rng.normal()) for a, b in truth)
    return TrainingClip(
        cepstra=sound + rng.normal(0, 0.5, sound.shape),
        speaker=speaker,
        words=tuple((WORDS[n],) for n in names),
        places=rough,
    ), truth


def laid(
    model: AcousticModel, clip: TrainingClip, words: Sequence[Pronunciations] | None = None, frames: int | None = None
) -> PhonePath:
    known = [model.phones.numbered(pronunciations) for pronunciations in words or clip.words]
    return align_phones(model, model.scores(clip.cepstra[:frames], clip.speaker), known)


def errors(model: AcousticModel, clip: TrainingClip, truth: list[tuple[float, float]]) -> list[float]:
    places = [p for p in laid(model, clip).places() if p.word >= 0]
    spans = [[p for p in places if p.word == n] for n in range(len(truth))]
    return [abs(s[0].start - a) + abs(s[-1].end - b) for s, (a, b) in zip(spans, truth, strict=True)]


@pytest.fixture(scope="module")
def model() -> AcousticModel:
    return learn([clip_of(seed, blur=0.03)[0] for seed in range(20)])


def test_it_finds_edges_that_were_only_roughly_given(model: AcousticModel) -> None:
    found = [e for seed in range(20) for e in errors(model, *clip_of(seed))]
    assert np.mean(found) / 2 < 0.004
    fresh = [e for seed in range(100, 110) for e in errors(model, *clip_of(seed, speaker="never heard"))]
    assert np.mean(fresh) / 2 < 0.004


def test_places_cover_the_sound_and_score_what_fits(model: AcousticModel) -> None:
    clip, _ = clip_of(3)
    found = laid(model, clip)
    places = found.places()
    assert places[0].start == 0
    assert [p.end for p in places[:-1]] == [p.start for p in places[1:]]
    assert places[-1].end == pytest.approx(len(clip.cepstra) * HOP)
    speech = [p for p in places if p.word >= 0]
    mean = np.average([p.score for p in speech], weights=[p.end - p.start for p in speech])
    assert found.fit == pytest.approx(mean, abs=0.05)
    assert laid(model, clip, clip_of(4)[0].words).fit < found.fit - 1


def test_long_sound_is_cut_where_nothing_is_lost(model: AcousticModel) -> None:
    clips = [clip_of(seed)[0] for seed in range(40)]
    whole = TrainingClip(
        cepstra=np.concatenate([c.cepstra for c in clips]),
        speaker="s",
        words=sum((c.words for c in clips), ()),
        places=(),
    )
    starts = np.cumsum([0, *(len(c.cepstra) for c in clips)]) * HOP
    truth = [(a + t, b + t) for seed, t in zip(range(40), starts, strict=False) for a, b in clip_of(seed)[1]]
    assert np.mean(errors(model, whole, truth)) / 2 < 0.004


def test_too_few_frames_and_no_clips_are_refused(model: AcousticModel) -> None:
    clip, _ = clip_of(1)
    with pytest.raises(ValueError, match="fewer than the words need"):
        laid(model, clip, frames=10)
    with pytest.raises(ValueError, match="no clips"):
        learn([])


def test_a_pronunciation_with_an_unknown_phone_is_not_taken(model: AcousticModel) -> None:
    clip, _ = clip_of(1)
    words = tuple((("z",), *pronunciations) for pronunciations in clip.words)
    assert laid(model, clip, words).places() == laid(model, clip).places()
    assert model.phones.numbered((("z",),)) == []


def test_a_saved_model_is_the_same(model: AcousticModel, tmp_path: Path) -> None:
    model.save(tmp_path)
    clip, _ = clip_of(2)
    again = AcousticModel.load(tmp_path)
    assert laid(again, clip).places() == laid(model, clip).places()
    (tmp_path / "phones.json").write_text("{}")
    with pytest.raises(ValueError, match="no acoustic model"):
        AcousticModel.load(tmp_path)


def test_the_same_clips_make_the_same_model() -> None:
    clips = [clip_of(seed)[0] for seed in range(4)]
    first, second = learn(clips), learn(clips)
    assert np.array_equal(first.mixtures.means, second.mixtures.means)
    assert first.phones.names == second.phones.names == ("", "a", "b", "c", "d")
