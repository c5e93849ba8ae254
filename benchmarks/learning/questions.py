"""Questions without end, each with a good and a bad answer; no prompt comes twice.

comparison   Which is cheaper, the lamp for nine or the key for four?    The key is cheaper.            The lamp is cheaper.
mood         I lost my lamp at the harbor.                               I am sorry. Shall we …         That is nothing. Go and …
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from weft.pipelines.writers.common.lexicon import TOPICS
from weft.schemas.fingerprint import hash64

SEED = 3
_THINGS = sorted({thing for topic in TOPICS for thing in topic.things})
_PLACES = sorted({place for topic in TOPICS for place in topic.places})
_NUMBERS = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen",
    "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip
_MOODS = (
    (
        "I lost my {thing} at the {place}.",
        "I am sorry. Shall we look for your {thing}?",
        "That is nothing. Go and buy another {thing}.",
    ),
    (
        "I found my {thing} at the {place}!",
        "How lovely! Was your {thing} all right?",
        "Good for you. Who cares about a {thing}?",
    ),
    (
        "Somebody broke my {thing} at the {place}!",
        "I understand that. Can your {thing} be repaired?",
        "Do not shout. It is only a {thing}.",
    ),
)  # prompt, warm answer, cold answer


@dataclass(frozen=True, slots=True)
class Question:
    """A prompt with a good and a bad answer."""

    prompt: str
    chosen: str
    rejected: str


def distinct(kind: Callable[[Random], Question]) -> Iterator[Question]:
    """Questions without end, no prompt twice."""
    random, asked = Random(hash64("quiz", kind.__name__, SEED)), set[str]()
    while True:
        question = kind(random)
        if question.prompt not in asked:
            asked.add(question.prompt)
            yield question


def comparison(random: Random) -> Question:
    """Which of two things is cheaper, by two different prices from one to twenty."""
    things, prices = random.sample(_THINGS, 2), random.sample(range(len(_NUMBERS)), 2)
    one, other = (f"the {thing} for {_NUMBERS[price]}" for thing, price in zip(things, prices, strict=True))
    cheap, dear = things if prices[0] < prices[1] else things[::-1]
    return Question(
        prompt=f"Which is cheaper, {one} or {other}?",
        chosen=f"The {cheap} is cheaper.",
        rejected=f"The {dear} is cheaper.",
    )


def mood(random: Random) -> Question:
    """Something has happened to a thing: a warm answer is better than a cold one."""
    words = {"thing": random.choice(_THINGS), "place": random.choice(_PLACES)}
    prompt, chosen, rejected = (text.format(**words) for text in random.choice(_MOODS))
    return Question(prompt=prompt, chosen=chosen, rejected=rejected)
