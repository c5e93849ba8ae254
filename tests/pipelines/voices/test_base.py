"""A style is a pure function of who speaks and how."""

from collections import Counter

import pytest

from weft.pipelines.voices.base import EMOTIONS, LEVELS, SPEEDS, Style, style_for
from weft.schemas.ledger import Unusable

CAST = [(voice, variant) for voice in ("en", "en-us", "en-gb") for variant in ("f1", "f2", "m1", "m2")]


def test_a_speaker_keeps_the_voice_whatever_is_felt():
    styles = [style_for("anna", emotion, level, 7, CAST) for emotion in (*EMOTIONS, *SPEEDS) for level in LEVELS]
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
    rates = [style_for("anna", speed).rate for speed in ("slow2", "slow1", "neutral", "fast1", "fast2")]
    assert rates == sorted(set(rates))


@pytest.mark.parametrize(("emotion", "level"), [("bored", 1), ("happy", 0), ("happy", 6)])
def test_what_no_voice_can_act_is_refused(emotion: str, level: int):
    with pytest.raises(Unusable, match="emotion"):
        style_for("anna", emotion, level)


def test_an_empty_cast_is_refused():
    with pytest.raises(ValueError, match="cast is empty"):
        style_for("anna", cast=[])
