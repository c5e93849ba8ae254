"""The size at which a stage that may end early keeps its speakers' bounds: they are parts of what it gives, not of what was declared.

    fitted_size(Sizes(declared=6000, drawn=2400, step=30), is_whole, is_sure)  ->  2210

A smaller stage has smaller bounds, so it may end earlier still. `is_whole` plans a size, and says whether all of it was drawn.
"""

from collections.abc import Callable
from dataclasses import dataclass

FINE = 200  # parts of the size, to one of which it is found
_DOWN = 0.9  # sizes that are tried one after another until one holds


@dataclass(frozen=True, slots=True)
class Sizes:
    """What was drawn where the bounds were those of the declared size, and the step below which a size is not looked for."""

    drawn: int
    step: int


def fitted_size(sizes: Sizes, is_whole: Callable[[int], bool], is_sure: Callable[[int], bool]) -> int:
    """The largest size that is found to be whole; 0 where none is. `is_sure` is cheap, and never true of what is not whole."""
    high, step = sizes.drawn, max(sizes.step, sizes.drawn // FINE, 1)
    if high and is_whole(high):
        return high
    low, _ = _below(high, is_sure)
    if low:
        low = _between(low, high, step, is_sure)
    if not low or not is_whole(low):
        low, high = _below(high, is_whole)
    return _between(low, high, step, is_whole) if low else 0


def _below(high: int, holds: Callable[[int], bool]) -> tuple[int, int]:
    """A smaller size that holds, or 0, and the next above it that does not."""
    low = int(high * _DOWN)
    while low and not holds(low):
        high, low = low, int(low * _DOWN)
    return low, high


def _between(low: int, high: int, step: int, holds: Callable[[int], bool]) -> int:
    """The largest that holds, between one that does and one that does not, to within `step`."""
    while high - low > step:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
