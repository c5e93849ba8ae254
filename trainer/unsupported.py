"""Refuses samples that a stage would train wrongly, before the first step: latents without an encoder or an adaptor without latents,
pairs, prompts or other samples for an objective that takes others, and prompts that leave no room for a reply.

check_supported(index, stage.objective)
RecipeError: …/index.parquet: samples of task asr have latent audio, …
"""

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from weft.schemas.faults import RecipeError
from weft.schemas.objectives import ObjectiveSettings, OnPrompts
from weft.schemas.training import Group, TrainingStage
from weft.schemas.vocabulary import Modality
from weft.trainer.index import Index

_LATENTS: dict[str, tuple[Modality, str]] = {
    "audio_tokens": ("audio", "latent audio"),
    "image_tokens": ("image", "images"),
}
_ADAPTORS: dict[Group, str] = {"adaptor": "audio_tokens", "image-adaptor": "image_tokens"}


def check_supported(index: Index, objective: ObjectiveSettings, modalities: Collection[Modality] = ()) -> None:
    """`modalities` are those that the network has encoders for.

    Raises RecipeError for the first sample with other latents, and for the first that the objective does not take: a pair, or none."""
    for _, table in index.groups(["task", "bounds", *_LATENTS]):
        for column, (modality, what) in _LATENTS.items():
            if modality not in modalities and (task := _first_task(table, pc.greater(table[column], 0))):
                raise RecipeError(
                    f"{index.path}: samples of task {task} have {what}, which `weft train` cannot feed to the model: "
                    "its encoder has no network here (docs/training.md); leave the task out of the mixture, or let it say a stream"
                )
        _check_pairs(index, table, objective)


def _check_pairs(index: Index, table: pa.Table, objective: ObjectiveSettings) -> None:
    """Raises RecipeError."""
    later_documents = pc.list_value_length(table["bounds"])
    if objective.takes == "pairs":
        if task := _first_task(table, pc.not_equal(later_documents, 1)):
            raise RecipeError(
                f"{index.path}: samples of task {task} are no preference pairs, which `objective: {objective.use}` learns from; "
                "leave the task out of the stage's mixture"
            )
    elif task := _first_task(table, pc.greater(later_documents, 0)):
        raise RecipeError(
            f"{index.path}: samples of task {task} are preference pairs, and the stage would learn the rejected answers too: set "
            "`objective: {use: dpo}` or `{use: reward}`, leave the task out of the mixture, or let `dialogue` write the chosen answers"
        )


def check_adaptors(index: Index, trained: Collection[Group]) -> None:
    """`trained` are the groups that the stage trains; without any it trains all.

    Raises RecipeError where they are adaptors alone and no sample has latents for them: nothing would be learned.
    """
    if not trained or not set(trained) <= _ADAPTORS.keys():
        return
    columns = [_ADAPTORS[name] for name in trained]
    if not any(
        pc.greater(table[column], 0).to_numpy().any() for _, table in index.groups(columns) for column in columns
    ):
        raise RecipeError(
            f"{index.path}: the stage trains {' and '.join(trained)} alone, and none of its samples has latents for that: nothing "
            "would be learned"
        )


def check_whole_pairs(index: Index, stage: TrainingStage) -> None:
    """Raises RecipeError for a preference pair of the stage's tasks that its context would cut: its answers would not be compared."""
    for _, table in index.groups(["task", "bounds", "tokens"]):
        is_pair = pc.greater(pc.list_value_length(table["bounds"]), 0)
        is_cut = pc.and_(is_pair, pc.greater(table["tokens"], stage.context))
        for task in pc.unique(table["task"].filter(is_cut)).to_pylist():
            if task in stage.mixture.tasks:
                raise RecipeError(
                    f"{index.path}: preference pairs of task {task} are longer than the context of {stage.context:,} tokens, which "
                    "would cut them; raise `context`"
                )


def check_prompts(index: Index, stage: TrainingStage) -> None:
    """Raises RecipeError for samples that are no prompts, and for a prompt after which the context does not hold a reply."""
    for _, table in index.groups(["task", "loss", "tokens"]):
        if task := _first_task(table, pc.greater(pc.list_value_length(table["loss"]), 0)):
            raise RecipeError(
                f"{index.path}: samples of task {task} are no prompts, which this stage's objective learns from; leave the task out of "
                "the stage's mixture"
            )
        if fault := too_long(table, stage):
            raise RecipeError(f"{index.path}: {fault}")


def too_long(table: pa.Table, stage: TrainingStage) -> str:
    """A sentence on the longest prompt of a table with `task` and `tokens`, where it leaves too little room; "" where all fit."""
    assert isinstance(stage.objective, OnPrompts)
    new, longest = stage.objective.sampling.new_tokens, pc.max(table["tokens"]).as_py() or 0
    if longest + new <= stage.context:
        return ""
    task = _first_task(table, pc.equal(table["tokens"], longest))
    return (
        f"a prompt of task {task} has {longest:,} tokens, and with `new_tokens: {new}` a reply does not fit into the context of "
        f"{stage.context:,}; lower `new_tokens`, or raise `context`"
    )


def _first_task(table: pa.Table, mask: pa.ChunkedArray) -> str:
    """The task of the first row of the mask; "" where there is none."""
    chosen = table["task"].filter(mask)
    return str(chosen[0]) if len(chosen) else ""
