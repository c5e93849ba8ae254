"""Talks in which an assistant calls one of four tools, gets a result, and answers from it; in some it needs none.

tool_talks(1, seed=7)   ->   ("tools-7-000000", Talk("Please speak like a cheerful girl.", Call("audio_search", {…}, {…}), "I speak …"))
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

from num2words import num2words

from weft.pipelines.writers.common.tool_subjects import CITIES, MANNERS, PAGES, TALK, VOICES
from weft.schemas.fingerprint import hash64

VERSION = "2"  # raised whenever an item comes out otherwise
_NONE_NEEDED = 0.2  # share of the talks without a call
_SKIES = ("sunny", "cloudy", "rainy", "windy")
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_START, _DAYS = date(2024, 1, 1), 3650
_FURTHEST = 12  # days from today that somebody asks about


def _schema(name: str, does: str, **properties: str) -> dict[str, Any]:
    shape = {key: {"type": "string", "description": text} for key, text in properties.items()}
    parameters = {"type": "object", "properties": shape, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "description": does, "parameters": parameters}}


SCHEMAS = (
    _schema(
        "audio_search",
        "Finds a voice by its description, to speak in its timbre and style.",
        description="what it is like",
    ),
    _schema("web_search", "Searches the web.", query="what to look for"),
    _schema("weather", "The weather of a day.", city="the city", day="today or tomorrow"),
    _schema("date_time", "The date of a day, and its day of the week.", day="today, tomorrow or in some days"),
)


@dataclass(frozen=True, slots=True)
class Call:
    """A tool's name, its arguments and what it returns."""

    name: str
    arguments: dict[str, str]
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Talk:
    """What is asked, the call that it takes, if any, and the answer, which follows from the call's result."""

    asked: str
    call: Call | None
    answer: str
    speed: str = ""


def tool_talks(n: int, seed: int) -> Iterator[tuple[str, Talk]]:
    """`n` talks with their keys; the i-th depends on the seed and i alone."""
    for i in range(n):
        random = Random(hash64("tools", seed, i))
        write = _talk if random.random() < _NONE_NEEDED else random.choice(_TOOLS)
        yield f"tools-{seed}-{i:06d}", write(random)


def _talk(random: Random) -> Talk:
    asked, answer = random.choice(list(TALK.items()))
    return Talk(asked=asked, call=None, answer=answer)


def _weather(random: Random) -> Talk:
    city, day, sky = random.choice(CITIES), random.choice(("today", "tomorrow")), random.choice(_SKIES)
    degrees = random.randint(2, 30)
    call = Call("weather", {"city": city, "day": day}, {"sky": sky, "celsius": degrees})
    be = "is" if day == "today" else "will be"
    return Talk(
        asked=f"What is the weather in {city} {day}?",
        call=call,
        answer=f"It {be} {sky} in {city} {day}, with {degrees} degrees.",
    )


def _web(random: Random) -> Talk:
    query, page = random.choice(list(PAGES.items()))
    return Talk(
        asked=f"Please look up {query}.", call=Call("web_search", {"query": query}, {"results": [page]}), answer=page
    )


def _date(random: Random) -> Talk:
    today, days = _START + timedelta(random.randrange(_DAYS)), random.randint(0, _FURTHEST)
    day = ("today", "tomorrow")[days] if days < 2 else f"in {num2words(days)} days"
    then = today + timedelta(days)
    weekday = _WEEKDAYS[then.weekday()]
    call = Call("date_time", {"day": day}, {"date": then.isoformat(), "weekday": weekday})
    be = "will be" if days else "is"
    return Talk(asked=f"Which day of the week is it {day}?", call=call, answer=f"{day.capitalize()} it {be} {weekday}.")


def _voice(random: Random) -> Talk:
    (name, who), (manner, speed) = random.choice(list(VOICES.items())), random.choice(list(MANNERS.items()))
    like = f"{'an' if manner[0] in 'aeiou' else 'a'} {manner} {who}"
    call = Call("audio_search", {"description": like}, {"voice": name, "style": speed})
    return Talk(
        asked=f"Please speak like {like}.",
        call=call,
        answer=f"I speak with the voice of {name} now.",
        speed=f"{speed}1",
    )


_TOOLS: tuple[Callable[[Random], Talk], ...] = (_weather, _web, _date, _voice)
