"""Scenes of a few synthetic sounds, alone, in order or mixed, with a caption, a question, an answer and a chain of thought.

scenes(1, seed=7)
->  ("scene-7-000000", Scene(events=(SoundEvent("beep", 0.0, 2.25), SoundEvent("birdsong", 0.0, 2.25)), …))
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.random import default_rng
from numpy.typing import NDArray

from weft.pipelines.writers.common.sounds import RATE, SOUNDS
from weft.schemas.fingerprint import hash64

VERSION = "1"  # raised whenever an item comes out otherwise
_GAP = 0.3  # seconds between two sounds
_LEVEL = 0.3  # peak of one sound
_COUNTS = ("no", "one", "two", "three")


@dataclass(frozen=True, slots=True)
class SoundEvent:
    """A sound by its name, from `start` to `end` in seconds of the scene."""

    sound: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Scene:
    """Its sounds in time, their caption, and a question with its answer and a chain of thought.

    `aspect` is what the question is about: event, scenario, order or count.
    """

    events: tuple[SoundEvent, ...]
    caption: str
    aspect: str
    question: str
    answer: str
    thought: str
    seed: int

    def samples(self) -> NDArray[np.float32]:
        """Float32 [n], mono, 16 kHz."""
        mixed = np.zeros(round(max(event.end for event in self.events) * RATE))
        for number, event in enumerate(self.events):
            sound = SOUNDS[event.sound].make(default_rng([self.seed, number]), event.end - event.start)
            begin = round(event.start * RATE)
            mixed[begin : begin + len(sound)] += _LEVEL * sound[: len(mixed) - begin]
        return mixed.astype(np.float32)


def scenes(n: int, seed: int) -> Iterator[tuple[str, Scene]]:
    """`n` scenes with their keys; the i-th depends on the seed and i alone."""
    for i in range(n):
        number = hash64("scene", seed, i)
        random = Random(number)
        yield f"scene-{seed}-{i:06d}", _scene(random, number)


def _scene(random: Random, number: int) -> Scene:
    names = random.sample(list(SOUNDS), random.choice((1, 2, 3)))
    together = len(names) > 1 and random.random() < 0.5
    events = _together(random, names[:2]) if together else _in_order(random, names)
    aspect, question, answer = random.choice(_questions(events, together))
    return Scene(
        events=events, caption=_caption(events, together), aspect=aspect, question=question, answer=answer,
        thought=_thought(events, together), seed=number,
    )  # fmt: skip


def _in_order(random: Random, names: list[str]) -> tuple[SoundEvent, ...]:
    events: list[SoundEvent] = []
    for name in names:
        start = round(events[-1].end + _GAP, 2) if events else 0.0
        events.append(SoundEvent(sound=name, start=start, end=round(start + random.uniform(1.0, 2.0), 2)))
    return tuple(events)


def _together(random: Random, names: list[str]) -> tuple[SoundEvent, ...]:
    seconds = round(random.uniform(1.5, 3.0), 2)
    return tuple(SoundEvent(sound=name, start=0.0, end=seconds) for name in names)


def _clause(event: SoundEvent) -> str:
    sound = SOUNDS[event.sound]
    return f"{sound.phrase} {sound.verb}"


def _caption(events: tuple[SoundEvent, ...], together: bool) -> str:
    return _sentence((" while " if together else ", then ").join(map(_clause, events)))


def _thought(events: tuple[SoundEvent, ...], together: bool) -> str:
    times = " ".join(_sentence(f"from {e.start:.1f} to {e.end:.1f} seconds {_clause(e)}") for e in events)
    if len(events) == 1:
        return f"{times} There is nothing else."
    return f"{times} {'They sound at once.' if together else 'No two of them sound at once.'}"


def _questions(events: tuple[SoundEvent, ...], together: bool) -> list[tuple[str, str, str]]:
    """Aspect, question and answer of all that can be asked of these sounds."""
    first, last = (_sentence(SOUNDS[event.sound].phrase) for event in (events[0], events[-1]))
    asked = [("count", "How many different sounds are there?", _sentence(_COUNTS[len(events)]))]
    if len(events) == 1:
        asked.append(("event", "What do you hear?", _sentence(_clause(events[0]))))
        if where := SOUNDS[events[0].sound].where:
            asked.append(("scenario", "Where was this recorded?", _sentence(where)))
    elif together:
        both = " and ".join(SOUNDS[event.sound].phrase for event in events)
        asked.append(("event", "Which sounds are mixed?", _sentence(both)))
    else:
        asked += [("order", "Which sound comes first?", first), ("order", "Which sound comes last?", last)]
    return asked


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
