"""Refuses samples that this trainer would train wrongly, before the first step: it has no encoders, and one objective, the next token.

check_supported(index)
ValueError: …/index.parquet: samples of task asr have latent audio, …
"""

import pyarrow as pa
import pyarrow.compute as pc

from weft.trainer.index import Index

_LATENTS = {"audio_tokens": "latent audio", "image_tokens": "images"}


def check_supported(index: Index) -> None:
    """Raises ValueError for the first sample with more than ids, and for the first preference pair."""
    for _, table in index.groups(["task", "bounds", *_LATENTS]):
        for column, what in _LATENTS.items():
            if task := _first_task(table, pc.greater(table[column], 0)):
                raise ValueError(
                    f"{index.path}: samples of task {task} have {what}, which `weft train` cannot feed to the model: "
                    "leave the task out of the stage's mixture, or let it say a stream instead"
                )
        if task := _first_task(table, pc.greater(pc.list_value_length(table["bounds"]), 0)):
            raise ValueError(
                f"{index.path}: samples of task {task} are preference pairs, and `weft train` would learn the rejected answers too: "
                "leave the task out of the stage's mixture, or let `dialogue` write the chosen answers"
            )


def _first_task(table: pa.Table, mask: pa.ChunkedArray) -> str:
    """The task of the first row of the mask; "" where there is none."""
    chosen = table["task"].filter(mask)
    return str(chosen[0]) if len(chosen) else ""
