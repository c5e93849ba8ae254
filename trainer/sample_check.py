"""Checks that a stage can learn from its samples, before any stage begins: what `train` checks of them before its first step, and
that each answer of a pair has what DPO compares.

check_samples(shards / "dpo", stage, vocabulary, modalities=["audio"])      RecipeError: …/dpo/index.parquet: samples of task …
"""

from collections.abc import Collection
from pathlib import Path

import numpy as np

from weft.schemas.objectives import Dpo, OnPrompts
from weft.schemas.training import TrainingStage
from weft.schemas.vocabulary import Modality, Vocabulary
from weft.trainer.answer_check import check_answers
from weft.trainer.index import Index
from weft.trainer.loader import DrawReader, OpenTar, mapped
from weft.trainer.objectives.dpo import counted_tokens
from weft.trainer.run_setup import steps_of, stream_of
from weft.trainer.unsupported import check_adaptors, check_supported, check_whole_pairs
from weft.trainer.validation import first_draws


def check_samples(
    folder: Path,
    stage: TrainingStage,
    vocabulary: Vocabulary,
    modalities: Collection[Modality] = (),
    validation: Path | None = None,
    open_tar: OpenTar = mapped,
) -> int:
    """The steps that the stage will have. There are encoders for the `modalities`; `validation` is the folder of held-out shards.

    Raises RecipeError for samples that the stage's objective or network does not take, and ValueError for damaged ones.
    """
    draws = DrawReader(folder, open_tar=open_tar)
    check_supported(draws.index, stage.objective, modalities)
    if modalities:
        check_adaptors(draws.index, stage.trainable)
    steps, _ = steps_of(stream_of(draws, stage), stage)
    if isinstance(stage.objective, Dpo):
        check_answers(draws, _compared(vocabulary, stage.objective.count))
    if validation:
        _check_held_out(Index(validation), stage)
    return steps


def _compared(vocabulary: Vocabulary, count: str) -> np.ndarray:
    """The ids (V,) bool of which each answer needs one: those that DPO counts, and with `count: text` no markers. Every answer has the
    marker that ends it.
    """
    compared_V = counted_tokens(vocabulary, count).numpy()
    if count == "text":
        compared_V[[marker.id for marker in vocabulary.markers]] = False
    return compared_V


def _check_held_out(index: Index, stage: TrainingStage) -> None:
    """Of held-out samples the index alone is read: the stage reads them itself. Raises RecipeError, and ValueError for other splits."""
    if not isinstance(stage.objective, OnPrompts):
        check_whole_pairs(index, stage)
    for _ in first_draws(index, stage):
        pass
