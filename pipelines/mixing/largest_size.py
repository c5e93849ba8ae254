"""The size at which a stage that may end early keeps its speakers' bounds, which are parts of its realised size.

    largest_size(Sizes(drawn=2400, step=30), is_whole, is_certain)  ->  2210

A smaller stage has smaller bounds, so it may end earlier still. `is_whole` plans a size and tells whether all of it was drawn.
"""

from collections.abc import Callable
from dataclasses import dataclass

FINE = 200  # the search ends within this part of the size
_DOWN = 0.9  # factor between one size that is tried and the next


@dataclass(frozen=True, slots=True)
class Sizes:
    """What was drawn with the bounds of the declared size, and the resolution of the search; both in whole units."""

    drawn: int
    step: int


def largest_size(sizes: Sizes, is_whole: Callable[[int], bool], is_certain: Callable[[int], bool]) -> int:
    """The largest size for which `is_whole` holds; 0 where there is none. `is_certain` is cheaper, and implies `is_whole`."""
    high, step = sizes.drawn, max(sizes.step, sizes.drawn // FINE, 1)
    if high and is_whole(high):
        return high
    low, _ = _below(high, is_certain)
    if low:
        low = _between(low, high, step, is_certain)
    if not low or not is_whole(low):
        low, high = _below(high, is_whole)
    return _between(low, high, step, is_whole) if low else 0


def _below(high: int, holds: Callable[[int], bool]) -> tuple[int, int]:
    """A smaller size for which `holds` is true, or 0, and the next larger one that was tried."""
    low = int(high * _DOWN)
    while low and not holds(low):
        high, low = low, int(low * _DOWN)
    return low, high


def _between(low: int, high: int, step: int, holds: Callable[[int], bool]) -> int:
    """The largest size for which `holds` is true, to within `step`: true for `low`, false for `high`."""
    while high - low > step:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
