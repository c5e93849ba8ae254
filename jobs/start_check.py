"""Makes the networks that a training's stages begin with, before the first stage does, and lets them go: what cannot be loaded whole,
is not finite or speaks another vocabulary is told at once, and not after the stages before it.

check_starts(lines, vocabulary, files, encoders)      RecipeError: training.sft.model: base: 3 of its weights are not finite, in …
"""

from collections.abc import Mapping

from weft.jobs.network_check import WeightLines
from weft.schemas.faults import RecipeError
from weft.schemas.training import TrainingStage
from weft.schemas.vocabulary import Vocabulary
from weft.trainer.models.base_text import check_text
from weft.trainer.models.encoders import FrozenEncoders
from weft.trainer.models.starting import starting
from weft.trainer.runs import ended


def check_starts(
    lines: WeightLines, vocabulary: Vocabulary, files: Mapping[str, bytes], encoders: FrozenEncoders
) -> None:
    """New models and bases; `files` are those of the corpus's vocabulary. A stage that has ended is not looked at, nor one that goes on
    from another. Raises RecipeError.
    """
    recipe, seen = lines.recipe, set[str]()
    for name in lines.names:
        stage = recipe.training.get(name)
        if not stage or stage.model.start or ended(lines.out, name) or stage.model.model_dump_json() in seen:
            continue
        seen.add(stage.model.model_dump_json())
        try:
            _check_text(stage, files)
            starting(stage, vocabulary, recipe.seed, encoders=encoders)
        except ValueError as fault:
            raise RecipeError(f"training.{name}.model: {fault}") from None


def _check_text(stage: TrainingStage, files: Mapping[str, bytes]) -> None:
    """Raises ValueError."""
    if stage.model.base:
        check_text(stage.model.base, files["tokenizer.json"])
