"""Samples with latents are refused by a trainer that cannot feed them."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from weft.trainer.index import Index
from weft.trainer.latents import check_fed


def index_of(shards: Path, column: str) -> Index:
    """The index with 5 such tokens in its draw 3."""
    table = pq.read_table(shards / "index.parquet")
    counts = [5 if n == 3 else 0 for n in range(len(table))]
    at = table.schema.get_field_index(column)
    pq.write_table(table.set_column(at, column, pa.array(counts, pa.int32())), shards / "index.parquet")
    return Index(shards)


def test_shards_without_latents_are_read(make_shards, samples) -> None:
    check_fed(Index(make_shards(samples)))


@pytest.mark.parametrize(("column", "what"), [("audio_tokens", "latent audio"), ("image_tokens", "images")])
def test_the_task_is_named(make_shards, samples, column: str, what: str) -> None:
    with pytest.raises(ValueError, match=f"samples of task (up|down) have {what}, which `weft train` cannot feed"):
        check_fed(index_of(make_shards(samples), column))
