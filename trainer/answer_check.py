"""Refuses a preference pair with an answer of which DPO compares no token, before any stage begins: training would end at it.

check_answers(DrawReader(shards / "dpo"), counted_V)
RecipeError: …/dpo/index.parquet: an answer of s0007, a pair of task spoken, has no text, and `count: text` compares text alone; …
"""

from collections.abc import Iterator

import numpy as np

from weft.schemas.faults import RecipeError
from weft.trainer.index import LABELS
from weft.trainer.loader import Draw, DrawReader
from weft.trainer.packing import Piece


def check_answers(draws: DrawReader, counted_V: np.ndarray) -> None:
    """`counted_V` (V,) bool are the ids that count. All ids are read, and no latents. Raises RecipeError."""
    for draw in _without_latents(draws):
        piece = Piece(draw, 0, len(draw.ids))
        counts = piece.loss_mask() & counted_V.take(draw.ids, mode="clip")
        if not np.logical_or.reduceat(counts, piece.starts()).all():
            raise RecipeError(
                f"{draws.index.path}: an answer of {draws.index.key(draw.position)}, a pair of task {draw.task}, has no text, and "
                "`count: text` compares text alone: set `count: all`, or let the answers of the task say text"
            )


def _without_latents(draws: DrawReader) -> Iterator[Draw]:
    samples = draws.samples()
    for first, table in draws.index.groups(LABELS):
        for position, row in enumerate(table.to_pylist(), first):
            yield Draw(
                position=position,
                task=row["task"],
                ids=next(samples),
                loss=np.array(row["loss"], np.int32).reshape(-1, 2),
                bounds=np.array(row["bounds"], np.int32),
            )
