"""The size at which bounds hold is found near the largest there is, in few tries, and none is found where there is none."""

import pytest

from weft.pipelines.mixing.largest_size import FINE, Sizes, largest_size


def fitted(drawn: int, largest: int, step: int = 1, least: int = 1, certain: int = 0) -> tuple[int, list[int]]:
    """The size that is found, and those that were planned, where sizes from `least` to `largest` are whole."""
    tries: list[int] = []

    def is_whole(size: int) -> bool:
        tries.append(size)
        return least <= size <= largest

    return largest_size(Sizes(drawn=drawn, step=step), is_whole, lambda size: least <= size <= certain), tries


@pytest.mark.parametrize("largest", [100, 4_321, 99_000, 99_999])
@pytest.mark.parametrize("certain", [0, 3_000, 98_000])
def test_it_is_whole_and_near_the_largest(largest: int, certain: int) -> None:
    size, tries = fitted(100_000, largest, certain=min(certain, largest))
    assert largest - 100_000 // FINE <= size <= largest and len(tries) < 90


def test_where_all_that_was_drawn_is_whole_nothing_else_is_tried() -> None:
    assert fitted(5000, 5000) == (5000, [5000])


def test_what_is_certainly_whole_spares_tries() -> None:
    size, tries = fitted(10_000_000, 9_000_000, certain=8_980_000)
    assert size >= 8_950_000 and len(tries) < 8


def test_no_size_is_looked_for_below_a_sample() -> None:
    size, tries = fitted(1000, 700, step=300)
    assert 400 < size <= 700 and len(tries) < 8


@pytest.mark.parametrize("drawn", [0, 1, 50])
def test_where_no_size_is_whole_there_is_none(drawn: int) -> None:
    assert fitted(drawn, largest=0)[0] == 0
