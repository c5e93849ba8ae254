"""Scenes hold the sounds that their captions name, where their thoughts say, and their answers are right."""

import re
from itertools import islice

import numpy as np
import pytest
from numpy.random import default_rng

from weft.pipelines.writers.common.sounds import RATE, SOUNDS
from weft.pipelines.writers.scenes import scenes


def test_an_item_depends_on_seed_and_place_alone() -> None:
    many = list(scenes(50, 3))
    assert list(scenes(20, 3)) == many[:20] and list(islice(scenes(1000, 3), 50)) == many
    assert list(scenes(50, 4)) != many and len({key for key, _ in many}) == 50
    assert np.array_equal(many[0][1].samples(), many[0][1].samples())


def spectrum(samples: np.ndarray) -> tuple[float, float, float]:
    """The share of the power below 200 Hz and above 2 kHz, and how flat the spectrum is, 0 to 1."""
    power = np.abs(np.fft.rfft(samples)) ** 2 + 1e-12
    hz = np.fft.rfftfreq(len(samples), 1 / RATE)
    flat = np.exp(np.log(power).mean()) / power.mean()
    return power[hz < 200].sum() / power.sum(), power[hz > 2000].sum() / power.sum(), flat


@pytest.mark.parametrize("seed", range(5))
def test_each_sound_is_recognised_by_its_spectrum(seed: int) -> None:
    low, high, flat = {}, {}, {}
    for name, sound in SOUNDS.items():
        low[name], high[name], flat[name] = spectrum(sound.make(default_rng(seed), 1.5))
    assert {name for name in SOUNDS if low[name] > 0.7} == {"drum", "engine"}
    assert {name for name in SOUNDS if high[name] > 0.7} == {"rain", "birdsong"}
    assert max(flat, key=lambda name: flat[name]) == "rain"


def active(samples: np.ndarray, start: float, end: float) -> float:
    """The RMS of a stretch."""
    return float(np.sqrt(np.mean(samples[round(start * RATE) : round(end * RATE)] ** 2)))


def test_sounds_are_where_the_scene_says_and_nothing_is_between() -> None:
    for _, scene in scenes(40, 1):
        samples = scene.samples()
        assert np.abs(samples).max() <= 0.95
        for event in scene.events:
            assert active(samples, event.start, event.start + 0.5) > 0.005
        for before, after in zip(scene.events, scene.events[1:], strict=False):
            assert after.start == before.start or active(samples, before.end + 0.01, after.start - 0.01) < 1e-6


def test_what_is_said_is_true() -> None:
    aspects = set()
    for _, scene in scenes(400, 1):
        aspects.add(scene.aspect)
        names = [event.sound for event in scene.events]
        phrases = [SOUNDS[name].phrase for name in names]
        assert re.split(r", then | while ", scene.caption[:-1].lower()) == [
            f"{SOUNDS[name].phrase} {SOUNDS[name].verb}" for name in names
        ]
        mixed = len(scene.events) > 1 and scene.events[0].end > scene.events[1].start
        assert mixed == (" while " in scene.caption) == ("at once" in scene.thought and "No two" not in scene.thought)
        for event in scene.events:
            assert f"{event.start:.1f} to {event.end:.1f} seconds {SOUNDS[event.sound].phrase}" in scene.thought
        answer = scene.answer[:-1].lower()
        match scene.question:
            case "Which sound comes first?":
                assert answer == phrases[0] and not mixed
            case "Which sound comes last?":
                assert answer == phrases[-1] and not mixed
            case "How many different sounds are there?":
                assert answer == ("", "one", "two", "three")[len(set(names))]
            case "Which sounds are mixed?":
                assert answer == " and ".join(phrases) and mixed
            case "What do you hear?":
                assert answer == f"{phrases[0]} {SOUNDS[names[0]].verb}" and len(names) == 1
            case _:
                assert answer == SOUNDS[names[0]].where
    assert aspects == {"event", "scenario", "order", "count"}
