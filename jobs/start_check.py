"""Makes the models that a training's stages begin with, before the first stage does, and lets them go: what cannot be loaded whole,
is not finite or speaks another vocabulary is told at once, and not after the stages before it.

check_starts(lines, vocabulary, files)      RecipeError: training.sft.model: base: 3 of its weights are not finite, in …
"""

from collections.abc import Mapping
from pathlib import Path

from weft.jobs.network_check import LineModel, WeightLines
from weft.schemas.faults import RecipeError
from weft.schemas.vocabulary import Vocabulary
from weft.trainer.model import build
from weft.trainer.models.base_text import check_text
from weft.trainer.models.starting import check_start
from weft.trainer.runs import ended


def check_starts(lines: WeightLines, vocabulary: Vocabulary, files: Mapping[str, bytes]) -> None:
    """`files` are those of the corpus's vocabulary. What has ended is not looked at. Raises RecipeError."""
    begin = [lines.of(name)[0] for name in lines.names if name in lines.recipe.training and not ended(lines.out, name)]
    for model in {first.settings.model_dump_json(): first for first in reversed(begin)}.values():
        try:
            _check(model, vocabulary, files, lines.recipe.seed)
        except ValueError as fault:
            raise RecipeError(f"{model.where}: {fault}") from None


def _check(model: LineModel, vocabulary: Vocabulary, files: Mapping[str, bytes], seed: int) -> None:
    """Raises ValueError."""
    if model.settings.base:
        check_start(Path(model.settings.base), vocabulary)
        check_text(model.settings.base, files["tokenizer.json"])
    build(model.settings, vocabulary.size, seed)
