"""The deep audit: opens every tar and holds its members against the index.

check_tars(store, "pretrain")  ->  ["train-000003.tar: bytes differ from what was written (crc 91ab… for 07fe…)"]
"""

import io
import json
import tarfile
import zlib
from collections.abc import Iterator

import numpy as np

from weft.pipelines.parts import read_part, stamp_of
from weft.pipelines.shards import rows_name, tar_name
from weft.pipelines.store import Store
from weft.schemas.shard import IndexRow
from weft.schemas.vocabulary import Vocabulary


def check_tars(store: Store, stage: str) -> list[str]:
    """Every fault found in the tars of a stage."""
    vocabulary = Vocabulary.from_json(store.read("vocabulary/vocabulary.json").decode())
    numbers = [int(name[-10:-4]) for name in store.names(f"shards/{stage}", ".tar")]
    return [fault for number in numbers for fault in _check_tar(store, stage, number, vocabulary)]


def _check_tar(store: Store, stage: str, number: int, vocabulary: Vocabulary) -> Iterator[str]:
    name = tar_name(stage, number)
    stamp = stamp_of(store, rows_name(stage, number))
    if stamp is None:
        yield f"{name}: it has no index rows"
        return
    if (found := _crc(store, name)) != stamp.digest.split()[1]:
        yield f"{name}: its bytes differ from what was written (crc {found} for {stamp.digest.split()[1]})"
        return
    rows = read_part(store, rows_name(stage, number), IndexRow)
    if len({row.key for row in rows}) != len(rows):
        yield f"{name}: a key stands twice"
    with store.open(name) as file, tarfile.open(fileobj=file) as members:
        listed = [(m.name, m.offset_data, m.size) for m in members]
    wanted = [
        w
        for r in rows
        for w in ((f"{r.key}.json", r.json_offset, r.json_length), (f"{r.key}.npy", r.npy_offset, r.npy_length))
    ]
    if listed != wanted:
        yield f"{name}: its members are not those of the index"
        return
    data = store.read(name)
    yield from (f"{name}: {row.key}: {fault}" for row in rows if (fault := _check_sample(data, row, vocabulary)))


def _crc(store: Store, name: str) -> str:
    checksum = 0
    with store.open(name) as file:
        while chunk := file.read(1 << 22):
            checksum = zlib.crc32(chunk, checksum)
    return f"{checksum:08x}"


def _check_sample(data: bytes, row: IndexRow, vocabulary: Vocabulary) -> str:
    said = json.loads(data[row.json_offset : row.json_offset + row.json_length])
    ids = np.load(io.BytesIO(data[row.npy_offset : row.npy_offset + row.npy_length]), allow_pickle=False)
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
