"""Fair queueing: which child of a node each draw comes from, exact in the declared unit at every prefix.

    Branch([short, long], shares=[1, 1]).take(4)   ->  costs 3 9 3 3, leaves 0 1 0 0   (samples of 3 and of 9, half each)

A draw of cost c takes c from a share that flows in continuously, so each sample has a moment at which its share begins to
flow and one at which it is complete. Of the samples whose moment has begun, the one that completes first is drawn (WF²Q,
Bennett and Zhang 1996). With got_i drawn of child i, T drawn in all, w_i its share, l_i its largest sample and L the largest of
all, every prefix keeps

    -(1 - w_i) l_i - w_i L  <=  got_i - w_i T  <=  (1 - w_i) l_i

A node's draws depend on its own children alone, so branches are put together to a tree and each keeps its bound.

All arithmetic is in whole numbers. The state is each child's lag, T * share_i - got_i * whole: it stays within two samples times
`whole`, so 64 bits hold it while whole * L < 2**61.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numba
import numpy as np
from numpy.typing import NDArray

CHUNK = 1 << 13  # draws requested from a child at a time
WHOLE = 1 << 32  # greatest sum of shares
LONGEST = 1 << 29  # greatest cost of one sample, exclusive
_LOW = np.int64((1 << 32) - 1)


class TooLong(ValueError):
    """The cost of a sample exceeds the range of the arithmetic."""


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """Draws in order: what each costs (int64 [n], whole units) and the number of its leaf (int16 [n])."""

    costs: NDArray[np.int64]
    leaves: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.costs)


class DrawSource(Protocol):
    """A source of draws in order: a leaf, or a branch over several nodes."""

    def take(self, count: int) -> Draws:
        """The next `count` draws; fewer only where there are no more."""
        ...

    def rest(self) -> Iterator[Draws]:
        """All draws that are left."""
        ...

    @property
    def ended(self) -> int:
        """The leaf that had no more when its turn came; -1 before that."""
        ...


class Branch:
    """Draws from `children` by `shares`, whole numbers that sum to at most 2**32. Raises TooLong."""

    def __init__(self, children: Sequence[DrawSource], shares: Sequence[int]) -> None:
        assert sum(shares) <= WHOLE, "shares would overflow"
        self._children = children
        self._shares = np.asarray(shares, np.int64)
        self._lags = np.zeros(len(shares), np.int64)
        self._costs = np.zeros((len(shares), CHUNK), np.int64)
        self._leaves = np.zeros((len(shares), CHUNK), np.int16)
        self._filled = np.zeros(len(shares), np.int64)
        self._at = np.zeros(len(shares), np.int64)
        self._over = np.zeros(len(shares), np.bool_)
        self.ended = -1

    def take(self, count: int, most: int = 1 << 62) -> Draws:
        """The next `count` draws, or fewer where a child has no more or they cost `most` together (the last may go beyond)."""
        costs, leaves = np.empty(count, np.int64), np.empty(count, np.int16)
        state = self._shares, self._lags, self._costs, self._leaves, self._filled, self._at, self._over
        drawn, wants, left = 0, -1, most
        while self.ended < 0:
            drawn, wants, left = _draw(*state, costs, leaves, drawn, left)
            if wants < 0:
                break
            if self._over[wants]:
                self.ended = self._children[wants].ended
            else:
                self._refill(wants)
        return Draws(costs=costs[:drawn], leaves=leaves[:drawn])

    def rest(self) -> Iterator[Draws]:
        """All draws that are left, child by child: for validation, where every sample counts and the shares do not."""
        for n, child in enumerate(self._children):
            left = slice(self._at[n], self._filled[n])
            yield Draws(costs=self._costs[n, left], leaves=self._leaves[n, left])
            self._at[n] = self._filled[n]
            yield from child.rest()

    def _refill(self, child: int) -> None:
        draws = self._children[child].take(CHUNK)
        if len(draws) and int(draws.costs.max()) >= LONGEST:
            raise TooLong(
                f"a sample counts {int(draws.costs.max()):,}; a mixture counts samples of less than {LONGEST:,}"
            )
        self._costs[child, : len(draws)], self._leaves[child, : len(draws)] = draws.costs, draws.leaves
        self._filled[child], self._at[child], self._over[child] = len(draws), 0, not len(draws)


@numba.njit
def _draw(  # type: ignore[no-untyped-def]  # numba
    shares, lags, heads, leaves, filled, at, over, costs_out, leaves_out, drawn, left
):
    """Draws until the output is full or `left` is used up (returns child -1), or until a child must be refilled or is empty."""
    whole = shares.sum()
    while drawn < len(costs_out) and left > 0:
        for i in range(len(shares)):
            if at[i] == filled[i] and not over[i]:
                return drawn, i, left
        pick = -1
        for i in range(len(shares)):
            if lags[i] >= 0 and (pick < 0 or _sooner(i, pick, shares, lags, heads, at, over, whole)):
                pick = i
        if over[pick]:
            return drawn, pick, left
        cost = heads[pick, at[pick]]
        for i in range(len(shares)):
            lags[i] += cost * shares[i]
        lags[pick] -= cost * whole
        costs_out[drawn], leaves_out[drawn] = cost, leaves[pick, at[pick]]
        at[pick] += 1
        left -= cost
        drawn += 1
    return drawn, -1, left


@numba.njit
def _sooner(i, j, shares, lags, heads, at, over, whole):  # type: ignore[no-untyped-def]  # numba
    """Whether the head of i is complete before that of j: a product of 64 and 32 bits, compared in two halves."""
    a = (0 if over[i] else heads[i, at[i]] * whole) - lags[i]
    b = (0 if over[j] else heads[j, at[j]] * whole) - lags[j]
    a_low, b_low = np.uint64(a & _LOW) * np.uint64(shares[j]), np.uint64(b & _LOW) * np.uint64(shares[i])
    a_high = (a >> 32) * shares[j] + np.int64(a_low >> np.uint64(32))
    b_high = (b >> 32) * shares[i] + np.int64(b_low >> np.uint64(32))
    if a_high != b_high:
        return a_high < b_high
    return (a_low & np.uint64(_LOW)) < (b_low & np.uint64(_LOW))
