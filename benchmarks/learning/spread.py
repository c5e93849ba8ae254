"""Values of several seeds as a figure: their mean beside their deviation.

Spread([2.31, 2.28, 2.40]).less(Spread([2.52, 2.50, 2.61])).figure("interleaved less pairs", "nats")      -0.213 ± 0.0058 nats
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from weft.benchmarks.support.common import Figure


@dataclass(frozen=True)
class Spread:
    """Values of several seeds."""

    values: Sequence[float]

    @property
    def mean(self) -> float:
        return statistics.fmean(self.values)

    @property
    def deviation(self) -> float:
        return statistics.stdev(self.values)

    def less(self, other: "Spread") -> "Spread":
        """The differences, seed by seed."""
        return Spread([one - two for one, two in zip(self.values, other.values, strict=True)])

    def figure(self, name: str, unit: str, limit: float | None = None, at_least: bool = False) -> Figure:
        """The mean, beside the deviation."""
        return Figure(name, self.mean, f"± {self.deviation:.2g} {unit}", limit=limit, at_least=at_least)

    def percent(self, name: str, limit: float | None = None, unit: str = "%", at_least: bool = False) -> Figure:
        """As `figure`, of shares of 1."""
        return Spread([100 * value for value in self.values]).figure(name, unit, limit, at_least)
