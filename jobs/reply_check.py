"""Checks of a stage that learns from replies, before any stage begins: that a reply can end, and that each prompt leaves room for one.

check_replies(store, "rl-1", stage)     RecipeError: stage 'rl-1': a prompt of task prompts has 480 tokens, and with `new_tokens: 64` …
"""

from weft.pipelines.mixing.shards import index_name
from weft.pipelines.parts.tables import opened_part
from weft.pipelines.storage.store import Store
from weft.schemas.faults import RecipeError
from weft.schemas.objectives import OnPrompts
from weft.schemas.training import TrainingStage
from weft.schemas.vocabulary import Vocabulary
from weft.trainer.models.special_ids import FILES
from weft.trainer.objectives.factory import reply_end
from weft.trainer.unsupported import too_long


def check_replies(store: Store, name: str, stage: TrainingStage) -> None:
    """Raises RecipeError; nothing where the stage learns from no prompts."""
    if not isinstance(stage.objective, OnPrompts):
        return
    reply_end(Vocabulary.from_json(store.read("vocabulary/vocabulary.json").decode()))
    with opened_part(store, index_name(name)) as index:
        if fault := too_long(index.read(["task", "tokens"]), stage):
            raise RecipeError(f"stage {name!r}: {fault}")


def vocabulary_files(store: Store) -> dict[str, bytes]:
    """Those of the corpus's vocabulary that checkpoints hold, by name."""
    return {name: store.read(f"vocabulary/{name}") for name in FILES}
