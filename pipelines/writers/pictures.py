"""Pictures of coloured shapes, with captions that are true by construction.

pictures(1, seed=7)   ->   ("pictures-7-000000", Picture(shapes=(…), caption="A red circle is left of a small blue square."))
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random

from weft.schemas.fingerprint import hash64

VERSION = "1"  # raised whenever an item comes out otherwise
SIDE = 96  # pixels
COLOURS = ("red", "blue", "green", "yellow", "black", "purple")
FORMS = ("circle", "square", "triangle")
_NUMBERS = {2: "two", 3: "three", 4: "four"}
_RADIUS, _SMALL_RADIUS = 14, 7  # pixels, of a shape's middle to its edge
_CENTRE, _NEAR, _FAR = SIDE // 2, SIDE // 4, 3 * SIDE // 4


@dataclass(frozen=True, slots=True)
class Shape:
    """A form in a colour round the pixel (x, y), counted from the upper left."""

    form: str
    colour: str
    x: int
    y: int
    radius: int = _RADIUS

    @property
    def name(self) -> str:
        return f"{'small ' if self.radius == _SMALL_RADIUS else ''}{self.colour} {self.form}"


@dataclass(frozen=True, slots=True)
class Picture:
    """Shapes on white, none of which covers another, and what is seen."""

    shapes: tuple[Shape, ...]
    caption: str


def pictures(n: int, seed: int) -> Iterator[tuple[str, Picture]]:
    """`n` pictures with their keys; the i-th depends on the seed and i alone."""
    for i in range(n):
        random = Random(hash64("pictures", seed, i))
        yield f"pictures-{seed}-{i:06d}", random.choice(_KINDS)(random)


def _shape(random: Random) -> Shape:
    radius = random.choice((_RADIUS, _SMALL_RADIUS))
    return Shape(form=random.choice(FORMS), colour=random.choice(COLOURS), x=_CENTRE, y=_CENTRE, radius=radius)


def _one(random: Random) -> Picture:
    places = {
        "upper left": (_NEAR, _NEAR),
        "upper right": (_FAR, _NEAR),
        "lower left": (_NEAR, _FAR),
        "lower right": (_FAR, _FAR),
    }
    where, (x, y) = random.choice(list(places.items()))
    shape = replace(_shape(random), x=x, y=y)
    return Picture(shapes=(shape,), caption=f"A {shape.name} is in the {where} corner.")


def _two(random: Random) -> Picture:
    first, second = _shape(random), _shape(random)
    where = random.choice(("left of", "right of", "above", "below"))
    one, other = (_NEAR, _FAR) if where in ("left of", "above") else (_FAR, _NEAR)
    if where in ("above", "below"):
        first, second = replace(first, y=one), replace(second, y=other)
    else:
        first, second = replace(first, x=one), replace(second, x=other)
    article = "another" if first.name == second.name else "a"
    return Picture(shapes=(first, second), caption=f"A {first.name} is {where} {article} {second.name}.")


def _many(random: Random) -> Picture:
    one, count = replace(_shape(random), radius=_SMALL_RADIUS), random.choice(list(_NUMBERS))
    row = tuple(replace(one, x=SIDE * (2 * n + 1) // (2 * count)) for n in range(count))
    return Picture(shapes=row, caption=f"There are {_NUMBERS[count]} {one.name}s in a row.")


_KINDS: tuple[Callable[[Random], Picture], ...] = (_one, _two, _many)
