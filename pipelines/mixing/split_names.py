"""The names that must not lie in two splits: keys of all draws, speakers and texts of all items that were read.

speakers_by_split(store, pipeline)    tables of name ("read/s7"), split and key, a part at a time

All items that were read count, drawn or not: another recipe may draw a test set.
"""

from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from weft.pipelines.corpus.expected import listed_parts
from weft.pipelines.graph import Pipeline
from weft.pipelines.mixing.shards import index_name
from weft.pipelines.parts.tables import opened_part, part_name, read_table
from weft.pipelines.storage.damage import Damaged
from weft.pipelines.storage.store import Store
from weft.schemas.sample import text_hash
from weft.schemas.text import Document

ROWS = 50_000  # of an index at a time


def keys_by_split(store: Store, stages: Iterable[str]) -> Iterator[pa.Table]:
    """The utterances and documents that the indexes of these stages draw."""
    for stage in stages:
        with opened_part(store, index_name(stage)) as index:
            for batch in index.iter_batches(ROWS, columns=["parent", "split"]):
                yield _named(batch["parent"], batch["split"], batch["parent"])


def speakers_by_split(store: Store, pipeline: Pipeline) -> Iterator[pa.Table]:
    """Speakers with the space of their names; a role is another speaker in each dialogue."""
    spaces = pipeline.speaker_spaces
    for source in pipeline.sources:
        if not _is_text(pipeline, source):
            for table in _parts(store, pipeline, source, ["key", "split", "speaker", "dialogue"]):
                space = spaces[source] if source in spaces else table["dialogue"]
                speaker = pc.if_else(pc.equal(table["speaker"], ""), None, table["speaker"])
                yield _named(pc.binary_join_element_wise(space, speaker, "/"), table["split"], table["key"])


def texts_by_split(store: Store, pipeline: Pipeline) -> Iterator[pa.Table]:
    """Texts by their hashes."""
    for source in pipeline.sources:
        for table in _parts(store, pipeline, source, ["key", "split", "text"]):
            hashes = [text_hash(text) if text else None for text in table["text"].to_pylist()]
            yield _named(pa.array(hashes, pa.string()), table["split"], table["key"])


def _is_text(pipeline: Pipeline, source: str) -> bool:
    return pipeline.sources[source].makes is Document


def _parts(store: Store, pipeline: Pipeline, source: str, columns: list[str]) -> Iterator[pa.Table]:
    """The parts of a source whose records have a split; `verify` reports missing and damaged parts."""
    node = f"ingest/{source}" if _is_text(pipeline, source) else pipeline.utterances(source)
    for number in range(listed_parts(store, source)):
        try:
            yield read_table(store, part_name(node, number), columns)
        except (FileNotFoundError, Damaged):
            continue


def _named(name: pa.Array, split: pa.Array, key: pa.Array) -> pa.Table:
    return pa.table({"name": name, "split": split, "key": key})
