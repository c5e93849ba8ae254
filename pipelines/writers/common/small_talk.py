"""Small talk of two people after a plot; the level of an emotion follows from the turns before it.

small_talk(Random(7))  ->  (Turn("Emma", "We are leaving for the old city tomorrow!", role="human", emotion="happy", level=3), …)
"""

from collections.abc import Iterator, Sequence
from random import Random

from weft.pipelines.writers.common.lexicon import NAMES, SHARED
from weft.pipelines.writers.common.plots import PLOTS, Plot
from weft.pipelines.writers.common.sentences import written
from weft.schemas.text import LEVELS, SPEEDS, Turn


def small_talk(random: Random) -> tuple[Turn, ...]:
    """4 to 8 turns of two speakers. One dialogue in four is spoken without emotion, so that its words occur both ways."""
    plot = random.choice(PLOTS)
    first, second = random.sample(NAMES, 2)
    words = {slot: random.choice(choices) for slot, choices in plot.slots.items()}
    words |= {"first": first, "second": second, "number": random.choice(SHARED["number"][:9])}
    lines = [line.format_map(words) for line in _lines(random, plot)]
    strength = random.choice((0, 1, 2, 3))
    return tuple(_turns((first, second), lines, strength))


def _lines(random: Random, plot: Plot) -> list[str]:
    """Lines in turn. The last reply may be left out where enough are left."""
    middle = random.sample(plot.middle, random.randint(0, 2))
    pairs = [random.choice(plot.begin), *middle, random.choice(plot.end)]
    lines = [line for pair in pairs for line in pair]
    return lines[:-1] if middle and random.random() < 0.3 else lines


def _turns(speakers: tuple[str, str], lines: Sequence[str], strength: int) -> Iterator[Turn]:
    """An emotion begins with level `strength`; 0 is none. Answered by the same emotion it rises by a level, by none it falls."""
    level, before = LEVELS[0], ""
    for number, line in enumerate(lines):
        style, _, text = line.partition(": ")
        speed, emotion = (style, "") if style in SPEEDS else ("", style)
        if strength and emotion:
            level = min(level + 1, LEVELS[-1]) if emotion == before else strength
            before = emotion
        else:
            level = max(level - 1, LEVELS[0])
        is_felt = bool(strength and emotion)
        yield Turn(
            speaker=speakers[number % 2],
            role=("human", "assistant")[number % 2],
            text=written(text)[:-1],
            emotion=emotion if is_felt else "",
            level=level if is_felt else LEVELS[0],
            speed=speed if strength else "",
        )
