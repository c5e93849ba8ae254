"""docs/files.md names every column, and its loader reads a corpus."""

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from weft.schemas.audio import Alignment, Codes, Quality, Recording, Utterance
from weft.schemas.item import Item
from weft.schemas.ledger import LedgerRow, Reject
from weft.schemas.plan import HeldAmounts, Leaf, MixtureNode, Ordered, Tar
from weft.schemas.sample import Provenance, SampleSegment, ShardSample
from weft.schemas.shard import IndexRow
from weft.schemas.text import Dialogue, Document

PAGE = (Path(__file__).parents[2] / "docs/files.md").read_text("utf-8")


def tables() -> dict[str, set[str]]:
    """The columns that the page lists, by the record's name at the end of the heading."""
    found = {}
    for heading, body in re.findall(r"^### ([^\n]*)\n(.*?)(?=^##)", PAGE, re.MULTILINE | re.DOTALL):
        first_cells = " ".join(re.findall(r"^\|([^|]*)\|", body, re.MULTILINE))
        found[re.split(r"\W+", heading.rstrip(")"))[-1]] = set(re.findall(r"`(\w+)`", first_cells))
    return found


@pytest.mark.parametrize(
    "record",
    [
        Item,
        Recording,
        Document,
        Dialogue,
        Utterance,
        Alignment,
        Codes,
        ShardSample,
        Reject,
        LedgerRow,
        Ordered,
        HeldAmounts,
        MixtureNode,
        Leaf,
        Tar,
        IndexRow,
    ],
)
def test_every_column_is_named(record: type) -> None:
    assert tables()[record.__name__] == {field.name for field in fields(record)}


@pytest.mark.parametrize("record", [SampleSegment, Provenance, Quality])
def test_every_field_of_what_lies_inside_is_named(record: type) -> None:
    assert all(f"`{field.name}`" in PAGE for field in fields(record))


def test_the_loader_reads_every_draw_with_what_counts(text_corpus: str, tmp_path: Path) -> None:
    (script := tmp_path / "loader.py").write_text(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0])
    shards = Path(text_corpus) / "shards/pretrain"
    ran = subprocess.run([sys.executable, str(script), str(shards)], capture_output=True, text=True, check=True)
    index = pq.read_table(shards / "index.parquet", columns=["tokens", "loss"]).to_pylist()
    counted = [sum(row["loss"][1::2]) - sum(row["loss"][::2]) for row in index]
    assert ran.stdout.split("\n")[:-1] == [f"{row['tokens']} {n}" for row, n in zip(index, counted, strict=True)]
