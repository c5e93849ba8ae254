"""Questions about a voice: what is answered is what was designed, and a voice that did not follow the design is told."""

from dataclasses import replace
from itertools import islice

import pytest

from weft.pipelines.voices.common.measured import VoiceMeasures
from weft.pipelines.writers.voice_questions import BETWEEN, WOMEN, VoiceQuestion, voice_questions

MADE = [one for _, one in voice_questions(600, 1)]


def test_an_item_depends_on_seed_and_place_alone() -> None:
    many = list(voice_questions(50, 3))
    assert list(voice_questions(20, 3)) == many[:20] and list(islice(voice_questions(1000, 3), 50)) == many
    assert list(voice_questions(50, 4)) != many and len({key for key, _ in many}) == 50


def test_answers_say_the_design() -> None:
    answers = {
        "gender": lambda q: "A woman speaks." if q.variant in WOMEN else "A man speaks.",
        "emotion": lambda q: f"The speaker is {q.emotion}.",
        "speed": lambda q: {"slow2": "The speaker talks slowly.", "fast2": "The speaker talks fast."}[q.speed],
        "pitch": lambda q: (
            f"It is {'high' if q.pitch > 1 else 'low'} for a {'woman' if q.variant in WOMEN else 'man'}."
        ),
        "rhythm": lambda q: "Yes, there is a long pause in the middle." if q.pause else "No, the speech flows evenly.",
        "language": lambda q: {"de": "It is German.", "en-us": "It is English."}[q.language],
    }
    assert {one.aspect for one in MADE} == set(answers)
    assert all(one.answer == answers[one.aspect](one) for one in MADE)
    assert len({(one.aspect, one.answer) for one in MADE}) == 2 + 3 + 2 + 4 + 2 + 2


def first(aspect: str, **has: object) -> VoiceQuestion:
    return next(o for o in MADE if o.aspect == aspect and all(getattr(o, name) == value for name, value in has.items()))


MAN, PLAIN = {"variant": "m1"}, VoiceMeasures(pitch=100.0, rate=4.0, pause=0.05)


@pytest.mark.parametrize(
    ("one", "right", "wrong"),
    [
        (first("speed", speed="fast2"), {"rate": 5.6}, {"rate": 4.1}),
        (first("speed", speed="slow2"), {"rate": 2.8}, {"rate": 3.9}),
        (first("pitch", pitch=1.35), {"pitch": 135.0}, {"pitch": 104.0}),
        (first("pitch", pitch=0.75), {"pitch": 75.0}, {"pitch": 96.0}),
        (first("rhythm", pause=0.8), {"pause": 0.85}, {"pause": 0.2}),
        (first("rhythm", pause=0.0), {}, {"pause": 0.9}),
        (first("emotion", emotion="happy"), {"pitch": 130.0, "rate": 4.4}, {"pitch": 101.0, "rate": 4.4}),
        (first("emotion", emotion="angry"), {"pitch": 112.0, "rate": 4.8}, {"pitch": 112.0, "rate": 4.0}),
        (first("emotion", emotion="sad"), {"pitch": 82.0, "rate": 2.9}, {"pitch": 82.0, "rate": 3.9}),
    ],
)
def test_a_voice_that_did_not_follow_is_not_as_designed(
    one: VoiceQuestion, right: dict[str, float], wrong: dict[str, float]
) -> None:
    one = replace(one, variant="m1")
    assert one.is_as_designed(replace(PLAIN, **right), PLAIN) and not one.is_as_designed(replace(PLAIN, **wrong), PLAIN)


def test_a_voice_of_the_other_gender_is_not_as_designed_whatever_is_asked() -> None:
    high = replace(PLAIN, pitch=BETWEEN + 50)
    for aspect in ("gender", "language"):
        man, woman = replace(first(aspect), variant="m1"), replace(first(aspect), variant="f1")
        assert (man.is_as_designed(PLAIN, PLAIN), man.is_as_designed(high, high)) == (True, False)
        assert (woman.is_as_designed(PLAIN, PLAIN), woman.is_as_designed(high, high)) == (False, True)
