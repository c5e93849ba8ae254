"""The deep audit: opens every tar and holds its members against the index.

check_tars(store, "pretrain")  ->  ["train-000003.tar: clip-3fa0-words-0: its bytes differ from what was written"]
"""

import io
import json
import tarfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from weft.pipelines.mixing.shards import rows_name
from weft.pipelines.parts import read_part, stamp_of
from weft.pipelines.store import Store
from weft.schemas.shard import IndexRow
from weft.schemas.tar import BLOCK, END
from weft.schemas.vocabulary import Vocabulary


def check_tars(store: Store, stage: str) -> list[str]:
    """Every fault found in the tars of a stage."""
    vocabulary = Vocabulary.from_json(store.read("vocabulary/vocabulary.json").decode())
    return [fault for tar in store.names(f"shards/{stage}", ".tar") for fault in _check_tar(store, tar, vocabulary)]


def _check_tar(store: Store, name: str, vocabulary: Vocabulary) -> Iterator[str]:
    if stamp_of(store, rows_name(name)) is None:
        yield f"{name}: it has no index rows"
        return
    rows = read_part(store, rows_name(name), IndexRow)
    with store.open(name) as file:
        faults = [(row, fault) for row in rows if (fault := _check_sample(file, row, vocabulary))]
        yield from (f"{name}: {row.key}: {fault}" for row, fault in faults)
        if not faults:
            yield from (f"{name}: {fault}" for fault in _check_layout(file, rows))


def _check_layout(file: BinaryIO, rows: list[IndexRow]) -> Iterator[str]:
    """The tar as its readers see it."""
    if len({row.key for row in rows}) != len(rows):
        yield "a key stands twice"
    file.seek(0)
    with tarfile.open(fileobj=file) as members:
        listed = [(m.name, m.offset_data, m.size) for m in members]
    if listed != [member for row in rows for member in row.members]:
        yield "its members are not those of the index"
    file.seek(rows[-1].span.stop)
    if file.read() != END:
        yield "it does not end as a tar does"


def _check_sample(file: BinaryIO, row: IndexRow, vocabulary: Vocabulary) -> str:
    file.seek(row.span.start)
    data = file.read(row.span.stop - row.span.start)
    if zlib.crc32(data) != row.crc:
        return "its bytes differ from what was written"
    said = json.loads(data[BLOCK : BLOCK + row.json_length])
    ids = np.load(io.BytesIO(data[row.npy_offset - row.span.start :]), allow_pickle=False)
    if ids.dtype != np.int32 or ids.shape != (row.tokens,):
        return f"{ids.shape} {ids.dtype} ids where the index says {row.tokens}"
    if len(ids) and not 0 <= ids.min() <= ids.max() < vocabulary.size:
        return "an id lies outside the vocabulary"
    bounds = [bound for s in said["segments"] for bound in (s["begin"], s["end"])]
    if bounds[::2] != [0, *bounds[1:-1:2]] or bounds[-1] != row.tokens:
        return "its segments do not cover it once"
    if tuple(b for s in said["segments"] if s["loss"] for b in (s["begin"], s["end"])) != row.loss:
        return "its loss ranges are not the index's"
    return ""
