"""Prompts with a chosen and a rejected answer: one that is wrong, beside the point, or cold.

preferences(1, seed=7)   ->   ("preference-7-000000", Preference("Somebody broke my key!", "I understand …", "Then buy another.", …))
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from weft.schemas.fingerprint import hash64

VERSION = "1"  # raised whenever an item comes out otherwise
_NUMBERS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen",
    "fifteen", "sixteen", "seventeen", "eighteen",
)  # fmt: skip
_FACTS = {
    "What do bees make?": "Bees make honey.", "Where do fish live?": "Fish live in the water.",
    "When does the sun rise?": "The sun rises in the morning.", "What do we read in a library?": "We read books in a library.",
    "What falls from the clouds?": "Rain falls from the clouds.", "What do we use to cut bread?": "We cut bread with a knife.",
    "How many days has a week?": "A week has seven days.", "What does a clock show?": "A clock shows the time.",
}  # fmt: skip
_MOODS = (
    (
        "sad",
        "I lost my {thing} on the train.",
        "I am sorry to hear that. Shall we call the station about your {thing}?",
        "That is nothing.",
    ),
    ("happy", "I found my old {thing} again!", "How lovely! Where was your {thing} all the time?", "Good for you."),
    (
        "angry",
        "Somebody broke my {thing}!",
        "I understand that this makes you angry. Can your {thing} be repaired?",
        "Then buy another.",
    ),
)  # emotion, prompt, a warm answer, a cold one
_OWNED = ("bag", "watch", "camera", "guitar", "book", "ring", "umbrella", "key")


@dataclass(frozen=True, slots=True)
class Preference:
    """A prompt with its emotion, the better answer, and the worse one, which is never the same. `kind` is what is wrong with it."""

    prompt: str
    chosen: str
    rejected: str
    kind: str
    emotion: str = ""


def preferences(n: int, seed: int) -> Iterator[tuple[str, Preference]]:
    """`n` preferences with their keys; the i-th depends on the seed and i alone."""
    for i in range(n):
        random = Random(hash64("preference", seed, i))
        yield f"preference-{seed}-{i:06d}", random.choice(_KINDS)(random)


def _wrong(random: Random) -> Preference:
    a, b = random.randint(1, 9), random.randint(1, 9)
    other = random.choice([n for n in range(2, 19) if n != a + b])
    right, wrong = (f"{_NUMBERS[a]} plus {_NUMBERS[b]} is {_NUMBERS[n]}.".capitalize() for n in (a + b, other))
    prompt = f"What is {_NUMBERS[a]} plus {_NUMBERS[b]}?"
    return Preference(prompt=prompt, chosen=right, rejected=wrong, kind="wrong")


def _beside(random: Random) -> Preference:
    prompt, other = random.sample(list(_FACTS), 2)
    return Preference(prompt=prompt, chosen=_FACTS[prompt], rejected=_FACTS[other], kind="beside the point")


def _cold(random: Random) -> Preference:
    emotion, opening, warm, cold = random.choice(_MOODS)
    thing = random.choice(_OWNED)
    prompt, chosen = (text.format(thing=thing) for text in (opening, warm))
    return Preference(prompt=prompt, chosen=chosen, rejected=cold, kind="cold", emotion=emotion)


_KINDS: tuple[Callable[[Random], Preference], ...] = (_wrong, _beside, _cold)
