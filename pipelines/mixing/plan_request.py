"""What is asked of a plan: a training stage, the passes that are composed, and the size in whole units.

PlanRequest(name="pretrain", stage=stage, passes={("words", "speech"): 2})
size_of(stage)  ->  50_000_000        tokens, microseconds or samples
"""

from collections.abc import Mapping
from dataclasses import dataclass

from weft.schemas.mixture import Mixture
from weft.schemas.training import TrainingStage


@dataclass(frozen=True)
class PlanRequest:
    """A stage to plan. `passes` are those composed of each task and source; `after` are all stages whose data it goes on in."""

    name: str
    stage: TrainingStage
    passes: Mapping[tuple[str, str], int]
    after: tuple[str, ...] = ()

    @property
    def mixture(self) -> Mixture:
        return self.stage.mixture


def shown_unit(stage: TrainingStage) -> tuple[str, float]:
    """The unit of a stage as people read it, and how many of the whole units one is."""
    unit = stage.mixture.unit
    return ("samples" if unit == "weights" else unit), {"seconds": 1e6, "batches": stage.context}.get(unit, 1)


def size_of(stage: TrainingStage) -> int:
    """The stage's size in the whole units that are counted: tokens, microseconds or samples."""
    size = stage.mixture.size
    return round(size * {"seconds": 1_000_000, "batches": stage.context}.get(stage.mixture.unit, 1))
