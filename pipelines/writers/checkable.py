"""Tasks whose answer can be checked: arithmetic, and recall of facts in the prompt.

checkable(1, seed=7)   ->   ("checkable-7-000000", Checkable("Remember this: … Where is the bag?", "in the cellar", "recall"))
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from weft.schemas.fingerprint import hash64

VERSION = "1"  # raised whenever an item comes out otherwise
_PEOPLE = ("Anna", "Clara", "Emma", "Grace", "Kate", "Maria", "Olivia", "Vera")
_THINGS = ("apples", "books", "pencils", "flowers", "tickets", "plates")
_COLOURS = ("red", "blue", "green", "yellow", "white", "black")
_OBJECTS = ("cup", "key", "bag", "hat", "ball", "lamp")
_PLACES = ("kitchen", "garden", "cellar", "library", "garage", "bedroom")


@dataclass(frozen=True, slots=True)
class Checkable:
    """A prompt, the one answer to it, and what kind of task it is."""

    prompt: str
    answer: str
    kind: str


def checkable(n: int, seed: int) -> Iterator[tuple[str, Checkable]]:
    """`n` tasks with their keys; the i-th depends on the seed and i alone."""
    for i in range(n):
        random = Random(hash64("checkable", seed, i))
        yield f"checkable-{seed}-{i:06d}", random.choice(_KINDS)(random)


def _sum(random: Random) -> Checkable:
    a, b, sign = random.randint(2, 99), random.randint(2, 99), random.choice(("plus", "minus", "times"))
    a, b = (max(a, b), min(a, b)) if sign == "minus" else (a, b % 9 + 2 if sign == "times" else b)
    value = {"plus": a + b, "minus": a - b, "times": a * b}[sign]
    return Checkable(prompt=f"What is {a} {sign} {b}?", answer=str(value), kind="arithmetic")


def _story(random: Random) -> Checkable:
    who, what = random.choice(_PEOPLE), random.choice(_THINGS)
    has, change = random.randint(12, 40), random.randint(2, 11)
    deed, value = random.choice(((f"buys {change} more", has + change), (f"gives {change} away", has - change)))
    prompt = f"{who} has {has} {what} and {deed}. How many {what} does she have now?"
    return Checkable(prompt=prompt, answer=str(value), kind="arithmetic")


def _recall(random: Random) -> Checkable:
    things, places, colours = (random.sample(of, 3) for of in (_OBJECTS, _PLACES, _COLOURS))
    rows = list(zip(colours, things, places, strict=True))
    facts = ", ".join(f"the {colour} {thing} is in the {place}" for colour, thing, place in rows)
    colour, thing, place = random.choice(rows)
    asked, answer = random.choice(
        ((f"Where is the {thing}?", f"in the {place}"), (f"What colour is the {thing}?", colour))
    )
    return Checkable(prompt=f"Remember this: {facts}. {asked}", answer=answer, kind="recall")


_KINDS: tuple[Callable[[Random], Checkable], ...] = (_sum, _story, _recall)
