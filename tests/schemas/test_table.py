"""Every record goes to Parquet and comes back the same."""

import io
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weft.schemas.audio import Alignment, Audio, Codes, Recording, Utterance, Word
from weft.schemas.item import Item
from weft.schemas.ledger import LedgerRow, Reject
from weft.schemas.plan import Leaf, MixtureNode, Ordered, Tar
from weft.schemas.sample import Provenance, Sample, SampleRow, SampleSegment, ShardSample
from weft.schemas.shard import IndexRow
from weft.schemas.table import arrow_schema, from_table, to_table
from weft.schemas.text import Dialogue, Document, Turn

RECORDS = [
    Alignment, Audio, ShardSample, Dialogue, Document, IndexRow, Item, Leaf, LedgerRow, MixtureNode, Ordered, Tar, Provenance,
    Recording, Reject, Sample, SampleRow, SampleSegment, Turn, Codes, Utterance, Word,
]  # fmt: skip

# what every column can hold: int16 is the narrowest
st.register_type_strategy(int, st.integers(-(2**15), 2**15 - 1))
st.register_type_strategy(float, st.floats(allow_nan=False))
st.register_type_strategy(str, st.text(st.characters(exclude_categories=["Cs"]), max_size=8))


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: r.__name__)
@given(data=st.data())
@settings(max_examples=15)
def test_records_come_back_from_parquet_as_they_were(record: type, data: st.DataObject) -> None:
    records = data.draw(st.lists(st.builds(record), max_size=3))
    file = io.BytesIO()
    pq.write_table(to_table(records, record), file)
    back = from_table(pq.read_table(file), record)
    assert back == records
    assert all(type(r) is record for r in back)


def test_columns_of_an_index_row() -> None:
    columns = {
        "key": pa.string(), "parent": pa.string(), "recording": pa.string(), "task": pa.string(), "source": pa.string(),
        "seconds": pa.float64(), "tokens": pa.int32(), "text_tokens": pa.int32(), "speech_tokens": pa.int32(),
        "audio_tokens": pa.int32(), "image_tokens": pa.int32(),
        "loss": pa.list_(pa.int32()), "language": pa.string(), "speaker": pa.string(), "emotion": pa.string(),
        "level": pa.int16(), "licence": pa.string(), "split": pa.string(), "text_hash": pa.string(), "crc": pa.int64(),
        "bounds": pa.list_(pa.int32()),
        "shard": pa.string(), "json_offset": pa.int64(),
        "json_length": pa.int32(), "npy_offset": pa.int64(), "npy_length": pa.int32(),
        "flac_offset": pa.int64(), "flac_length": pa.int32(), "png_offset": pa.int64(), "png_length": pa.int32(),
    }  # fmt: skip
    assert arrow_schema(IndexRow) == pa.schema(list(columns.items()))


def test_samples_of_more_than_2_gib_a_part_have_a_wide_enough_column() -> None:
    assert arrow_schema(ShardSample).field("members").type == pa.large_binary()


def test_no_transcript_is_not_an_empty_transcript() -> None:
    given = [
        Utterance(key="k", recording="r", source="s", audio=Audio("a"), sha256="", start=0.0, end=1.0, text=text)
        for text in (None, "")
    ]
    assert [u.text for u in from_table(to_table(given, Utterance), Utterance)] == [None, ""]


def test_a_field_without_a_column_type_is_refused() -> None:
    @dataclass(frozen=True)
    class Odd:
        names: dict[str, int]

    with pytest.raises(TypeError, match="no column type"):
        arrow_schema(Odd)
