"""A style is a pure function of who speaks and how."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from weft.pipelines.voices.base import Style, Synthesized, covers, style_for
from weft.pipelines.voices.common.emotions import EMOTIONS, SPEEDS, Prosody
from weft.schemas.audio import Word
from weft.schemas.ledger import Unusable
from weft.schemas.text import LEVELS
from weft.schemas.text import SPEEDS as KNOWN

CAST = [(voice, variant) for voice in ("en", "en-us", "en-gb") for variant in ("f1", "f2", "m1", "m2")]


def test_a_speaker_keeps_the_voice_whatever_is_felt():
    styles = [style_for("anna", e, level, 7, CAST, speed) for e in EMOTIONS for speed in SPEEDS for level in LEVELS]
    assert len({(style.voice, style.variant) for style in styles}) == 1


def test_speakers_and_seeds_spread_over_the_cast():
    voices = Counter(style_for(f"speaker-{n % 60}", seed=n // 60, cast=CAST).variant for n in range(600))
    assert set(voices) == {"f1", "f2", "m1", "m2"}
    assert min(voices.values()) > 100


def test_neutral_changes_nothing():
    assert style_for("anna") == style_for("anna", "neutral", 5) == Style()


@pytest.mark.parametrize("emotion", ["happy", "angry", "sad", "coquettish"])
@pytest.mark.parametrize("what", ["pitch", "rate", "volume"])
def test_emotions_grow_with_their_level(emotion: str, what: str):
    distances = [abs(getattr(style_for("anna", emotion, level), what) - 1) for level in LEVELS]
    assert distances == sorted(distances)
    assert 0 < distances[0] < distances[-1]


def test_speeds_are_in_order():
    rates = [style_for("anna", speed=speed).rate for speed in ("slow2", "slow1", "", "fast1", "fast2")]
    assert rates == sorted(set(rates))
    assert set(SPEEDS) == {*KNOWN}


def test_a_speed_multiplies_the_rate_of_an_emotion_alone():
    sad, slow = style_for("anna", "sad", 3), style_for("anna", "sad", 3, speed="slow1")
    assert slow == replace(sad, rate=sad.rate * SPEEDS["slow1"])


@pytest.mark.parametrize(
    ("emotion", "level", "speed"),
    [("bored", 1, ""), ("fast1", 1, ""), ("happy", 0, ""), ("happy", 6, ""), ("", 1, "fast3")],
)
def test_what_no_voice_can_act_is_refused(emotion: str, level: int, speed: str):
    with pytest.raises(Unusable, match=r"emotion|speed"):
        style_for("anna", emotion, level, speed=speed)


def test_a_speaker_keeps_the_variant_in_another_language():
    english = [(voice, v) for voice in ("en", "en-us", "en-gb") for v in ("f1", "f2", "m1", "m2")]
    german = [("de", v) for v in ("f1", "f2", "m1", "m2")]
    for n in range(20):
        assert style_for(f"s{n}", cast=english).variant == style_for(f"s{n}", cast=german).variant


@pytest.mark.parametrize(
    ("language", "dialect", "covered"),
    [("en", "en-US", True), ("EN", "en", True), ("en-us", "en", False), ("e", "en", False), ("de", "en", False)],
)
def test_a_language_covers_its_dialects(language: str, dialect: str, covered: bool):
    assert covers(language, dialect) is covered


def test_an_empty_cast_is_refused():
    with pytest.raises(ValueError, match="cast is empty"):
        style_for("anna", cast=[])


def test_a_recipe_may_say_how_an_emotion_is_acted_and_the_others_stay() -> None:
    manners = Prosody.model_validate(
        {"emotions": {"happy": {"pitch": 1.4}, "bored": {"rate": 0.8}}, "speeds": {"fast1": 1.3}}
    )
    assert style_for("anna", "happy", 5, manners=manners) == Style(pitch=1.4)
    assert style_for("anna", "bored", 5, speed="fast1", manners=manners).rate == pytest.approx(0.8 * 1.3)
    assert style_for("anna", "sad", 3, speed="slow1", manners=manners) == style_for("anna", "sad", 3, speed="slow1")


@pytest.mark.parametrize(
    "wrong", [{"emotions": {"sad": {"pitch": 0}}}, {"speeds": {"fast1": -1}}, {"emotions": {"sad": {"ptich": 1}}}]
)
def test_factors_that_are_none_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Prosody.model_validate(wrong)


def test_silence_moves_the_words_behind_it() -> None:
    words = (Word("so", 0.0, 0.25), Word("it", 0.25, 0.5))
    speech = Synthesized(samples=np.arange(1, 9, dtype=np.float32), rate=16, words=words)
    before, within = speech.with_silence(0.5), speech.with_silence(0.125, at=0.25)
    assert before.samples.tolist() == [0] * 8 + [1, 2, 3, 4, 5, 6, 7, 8]
    assert [(w.start, w.end) for w in before.words] == [(0.5, 0.75), (0.75, 1.0)]
    assert within.samples.tolist() == [1, 2, 3, 4, 0, 0, 5, 6, 7, 8]
    assert [(w.text, w.start, w.end) for w in within.words] == [("so", 0.0, 0.25), ("it", 0.375, 0.625)]
