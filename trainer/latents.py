"""Refuses samples with latent audio or images before the first step: this trainer has no encoder that would feed them to the model.

check_fed(index)
ValueError: …/index.parquet: samples of task asr have latent audio, …
"""

import pyarrow.compute as pc

from weft.trainer.index import Index

_KINDS = {"audio_tokens": "latent audio", "image_tokens": "images"}


def check_fed(index: Index) -> None:
    """Raises ValueError for the first sample that has more than ids."""
    for _, table in index.groups(["task", *_KINDS]):
        for column, what in _KINDS.items():
            if len(some := table.filter(pc.greater(table[column], 0))):
                raise ValueError(
                    f"{index.path}: samples of task {some['task'][0]} have {what}, which `weft train` cannot feed to the model: "
                    "leave the task out of the stage's mixture, or let it say a stream instead"
                )
