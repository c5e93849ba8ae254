"""Whether data suffice for a part of a mixture: asked of estimates before anything is built, and of samples that are composed.

Balance(due=5e6, held=4e6).is_short                     ->  True: all passes that may be drawn hold less than is due
Balance(due=5e6, held=9e6, allowed=4e6).is_enough       ->  False: its speakers may not fill more (`most: {speaker: …}`)
"""

from dataclasses import dataclass
from math import inf

from weft.pipelines.mixing.shortfall import SpeakerDemand

_ROUNDING = 1e-9  # of what there is: sums of estimates and of shares are rounded


@dataclass(frozen=True, slots=True)
class Balance:
    """What is due of a part of a mixture and what there is of it, all in one unit.

    `held` is what all passes that may be drawn hold at most, `allowed` what its speakers may fill where each is bounded. `demand` says
    what share of the task they may fill, whatever the size of the stage.
    """

    due: float
    held: float
    allowed: float = inf
    demand: SpeakerDemand | None = None

    @property
    def is_short(self) -> bool:
        """Whether the data are too little."""
        return self._exceeds(self.held)

    @property
    def can_never_suffice(self) -> bool:
        """Whether its speakers can never fill it, however much data each has."""
        return self.demand is not None and self.demand.can_never_suffice

    @property
    def has_few_speakers(self) -> bool:
        """Whether its speakers may not fill it."""
        return self.can_never_suffice or self._exceeds(self.allowed)

    @property
    def is_enough(self) -> bool:
        return not (self.is_short or self.has_few_speakers)

    def _exceeds(self, supply: float) -> bool:
        return self.due > supply * (1 + _ROUNDING)
