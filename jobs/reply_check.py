"""Checks of a stage that learns from replies, before any stage begins: that a reply can end, and that each prompt leaves room for one.

check_replies(pipeline, store, "rl-1")     RecipeError: stage 'rl-1': a prompt of task prompts has 480 tokens, and with …
"""

from weft.pipelines.graph import Pipeline
from weft.pipelines.mixing.shards import index_name
from weft.pipelines.parts.tables import opened_part
from weft.pipelines.storage.store import Store
from weft.pipelines.tasks.common.content import ContentTask
from weft.schemas.faults import RecipeError
from weft.schemas.objectives import OnPrompts
from weft.schemas.vocabulary import Vocabulary
from weft.trainer.models.special_ids import FILES
from weft.trainer.objectives.factory import reply_ends
from weft.trainer.unsupported import too_long


def check_replies(pipeline: Pipeline, store: Store, name: str) -> None:
    """Raises RecipeError; nothing where the stage learns from no prompts."""
    stage = pipeline.recipe.training[name]
    if not isinstance(stage.objective, OnPrompts):
        return
    _check_ends(pipeline, Vocabulary.from_json(store.read("vocabulary/vocabulary.json").decode()), name)
    with opened_part(store, index_name(name)) as index:
        if fault := too_long(index.read(["task", "tokens"]), stage):
            raise RecipeError(f"stage {name!r}: {fault}")


def _check_ends(pipeline: Pipeline, vocabulary: Vocabulary, stage: str) -> None:
    """Raises RecipeError where turns end with a marker that ends no reply: the model was taught it, and would go on behind it."""
    ends = reply_ends(vocabulary)
    for name in pipeline.recipe.training[stage].mixture.tasks:
        task = pipeline.tasks[name]
        close = task.chat.close if isinstance(task, ContentTask) else ""
        if close and vocabulary.marker(close).id not in ends:
            raise RecipeError(
                f"stage {stage!r}: turns of task {name!r} end with the marker {close!r}, at which no reply ends: name it `eot`, "
                "`end` or `eos` in `vocabulary: tokens:`"
            )


def vocabulary_files(store: Store) -> dict[str, bytes]:
    """Those of the corpus's vocabulary that checkpoints hold, by name."""
    return {name: store.read(f"vocabulary/{name}") for name in FILES}
