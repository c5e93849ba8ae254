"""Prompts with a chosen and a rejected answer: one that is wrong, beside the point, or cold.

preferences(1, seed=7)   ->   ("preference-7-000000", Preference("Somebody broke my key at school!", "I understand …", "Then buy …", …))

Of 1,000 prompts about 670 are distinct, of 1,200 that there are.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from num2words import num2words

from weft.pipelines.writers.common.asking import ASKING, FACTS, MISHAPS, OWNED, PLACES
from weft.schemas.fingerprint import hash64

VERSION = "2"  # raised whenever an item comes out otherwise
_MOST = 20  # of the numbers that are added


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
    a, b = random.randint(1, _MOST), random.randint(1, _MOST)
    other = random.choice([n for n in range(2, 2 * _MOST + 1) if n != a + b])
    right, wrong = (f"{num2words(a)} plus {num2words(b)} is {num2words(n)}.".capitalize() for n in (a + b, other))
    return Preference(prompt=f"What is {num2words(a)} plus {num2words(b)}?", chosen=right, rejected=wrong, kind="wrong")


def _beside(random: Random) -> Preference:
    """Somebody asks for one fact; the answer beside the point gives another."""
    asked, other = random.sample(list(FACTS), 2)
    who = random.choice(ASKING)
    right, wrong = (f"Tell your {who} that {FACTS[fact]}." for fact in (asked, other))
    return Preference(prompt=f"My {who} asks {asked}.", chosen=right, rejected=wrong, kind="beside the point")


def _cold(random: Random) -> Preference:
    mishap, thing, place = random.choice(MISHAPS), random.choice(OWNED), random.choice(PLACES)
    prompt, warm = (text.format(thing=thing, place=place) for text in (mishap.prompt, mishap.warm))
    return Preference(prompt=prompt, chosen=warm, rejected=mishap.cold, kind="cold", emotion=mishap.emotion)


_KINDS: tuple[Callable[[Random], Preference], ...] = (_wrong, _beside, _cold)
