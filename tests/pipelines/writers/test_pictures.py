"""The captions of pictures are true, by a look at the shapes of the test's own."""

import re
from itertools import islice

from weft.pipelines.writers.pictures import SIDE, Picture, Shape, pictures

NUMBERS = {"two": 2, "three": 3, "four": 4}


def test_an_item_depends_on_seed_and_place_alone() -> None:
    many = list(pictures(50, 3))
    assert list(pictures(20, 3)) == many[:20] and list(islice(pictures(1000, 3), 50)) == many
    assert list(pictures(50, 4)) != many and len({key for key, _ in many}) == 50


def is_true(picture: Picture) -> bool:
    shapes, caption = picture.shapes, picture.caption
    small = ["small " if shape.radius < 10 else "" for shape in shapes]
    names = [f"{size}{shape.colour} {shape.form}" for size, shape in zip(small, shapes, strict=True)]
    if alone := re.fullmatch(r"A (.+) is in the (upper|lower) (left|right) corner\.", caption):
        (shape,) = shapes
        place = ("upper" if shape.y < SIDE / 2 else "lower", "left" if shape.x < SIDE / 2 else "right")
        return names == [alone[1]] and place == alone.groups()[1:]
    if two := re.fullmatch(r"A (.+) is (left of|right of|above|below) (?:a|another) (.+)\.", caption):
        one, other = shapes
        sides = {
            "left of": one.x < other.x,
            "right of": one.x > other.x,
            "above": one.y < other.y,
            "below": one.y > other.y,
        }
        return names == [two[1], two[3]] and [side for side, is_so in sides.items() if is_so] == [two[2]]
    row = re.fullmatch(r"There are (\w+) (.+)s in a row\.", caption)
    return bool(row) and names == [row[2]] * NUMBERS[row[1]] and len({shape.y for shape in shapes}) == 1


def apart(one: Shape, other: Shape) -> bool:
    return max(abs(one.x - other.x), abs(one.y - other.y)) > one.radius + other.radius


def test_every_caption_is_true_and_no_shape_covers_another() -> None:
    made = [picture for _, picture in pictures(1000, 1)]
    assert all(map(is_true, made))
    for picture in made:
        assert all(apart(one, other) for one in picture.shapes for other in picture.shapes if one is not other)
        edges = [
            edge for s in picture.shapes for edge in (s.x - s.radius, s.y - s.radius, s.x + s.radius, s.y + s.radius)
        ]
        assert min(edges) >= 0 and max(edges) < SIDE
