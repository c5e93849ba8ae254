"""The objective that a stage's settings name."""

from weft.schemas.objectives import Dpo, NextToken
from weft.schemas.training import TrainingStage
from weft.schemas.vocabulary import Vocabulary
from weft.trainer.objectives.base import Objective
from weft.trainer.objectives.dpo import DpoObjective
from weft.trainer.objectives.next_token import NextTokenObjective


def objective_of(stage: TrainingStage, vocabulary: Vocabulary) -> Objective:
    """A new objective of the stage."""
    match stage.objective:
        case NextToken():
            return NextTokenObjective(dtype=stage.model.dtype)
        case Dpo() as settings:
            return DpoObjective(settings=settings, vocabulary=vocabulary, dtype=stage.model.dtype)
