"""The deep audit: opens every tar and compares its members with its index rows.

damaged_tars(store, "pretrain", SampleRules(vocabulary=2112))
->  Damaged("…", "shards/pretrain/train-….tar", "is damaged: clip-3fa0-words-0: its bytes differ from what was written")
"""

import json
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import get_context
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from weft.pipelines.mixing.column_checks import SampleRules, is_whole
from weft.pipelines.mixing.latent_faults import latent_fault
from weft.pipelines.mixing.plan_files import read_tars
from weft.pipelines.mixing.shards import rows_name, tar_name
from weft.pipelines.parts.tables import read_table
from weft.pipelines.storage.damage import Damaged
from weft.pipelines.storage.store import Store
from weft.schemas.sample import MODALITIES, joined, npy_bytes, text_hash
from weft.schemas.tar import BLOCK, END, MEMBERS, header, space

SHOWN = 3  # faults of one tar
CHUNK = 1 << 12  # samples of a tar in memory at a time
WORTH_A_PROCESS = 1 << 28  # bytes of tars from which on processes share them
_COMPARED = (
    "key",
    "task",
    "source",
    "seconds",
    "language",
    "speaker",
    "emotion",
    "level",
    "licence",
    "split",
    "bounds",
)


def damaged_tars(store: Store, stage: str, rules: SampleRules) -> Iterator[Damaged]:
    """Tars of a stage that differ from their index rows.

    Every byte is read. Many tars are divided among as many processes as there are cores.
    """
    names = [name for tar in read_tars(store, stage) if store.exists(name := tar_name(stage, tar))]
    for faults in _spread(store, names, partial(check_tar, store.url, rules=rules)):
        yield from faults


def _spread(store: Store, names: Sequence[str], check: Callable[[str], list[Damaged]]) -> Iterator[list[Damaged]]:
    cores = min(os.cpu_count() or 1, len(names))
    if cores < 2 or sum(store.size(name) for name in names) < WORTH_A_PROCESS:
        yield from map(check, names)
        return
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as pool:
        yield from pool.map(check, names)


def check_tar(url: str, name: str, rules: SampleRules) -> list[Damaged]:
    """The faults of one tar of the corpus at `url`: the first damaged samples, and the number of the others."""
    store = Store(url)
    try:
        faults = [*_check_tar(store, name, rules)]
    except Damaged as damage:
        return [damage]
    except FileNotFoundError:  # missing rows are reported elsewhere
        return []
    more = f", and {len(faults) - SHOWN:,} more" if len(faults) > SHOWN else ""
    return [Damaged(url, name, f"is damaged: {'; '.join(faults[:SHOWN])}{more}")] if faults else []


def _check_tar(store: Store, name: str, rules: SampleRules) -> Iterator[str]:
    rows = read_table(store, rows_name(name))
    keys = rows["key"].to_pylist()
    if len(set(keys)) != len(keys):
        yield "a key stands twice"
    place, latents = 0, _latents_of(name)
    if any(((rows[f"{e}_length"].to_numpy() > 0) != (e in latents)).any() for e in ("flac", "png")):
        yield "its folder is for samples with other members"
    with store.open(name) as file:
        for first in range(0, len(rows), CHUNK):
            some = rows.slice(first, CHUNK)
            size = _size(some)
            if latents or not is_whole(file.read(size), some, place, rules):
                yield from _faults(file, some, place, rules)
            place += size
            file.seek(place)
        if file.read() != END:
            yield "it does not end as a tar does"


def _latents_of(name: str) -> list[str]:
    """The members besides JSON and ids that samples of a tar have, by its folder; such samples are opened one by one."""
    _, _, *folder, _ = name.split("/")
    return folder[0].split("-") if folder else []


def _size(rows: pa.Table) -> int:
    """The size of samples in a tar, in bytes."""
    return int(sum(space(rows[f"{ending}_length"].to_numpy().astype(np.int64)).sum() for ending in MEMBERS))


def _faults(file: BinaryIO, rows: pa.Table, place: int, rules: SampleRules) -> Iterator[str]:
    for row in rows.to_pylist():
        sample = _IndexedSample(row, place, file)
        if fault := sample.fault(rules):
            yield f"{row['key']}: {fault}"
        place = sample.stop


@dataclass(frozen=True, slots=True)
class _IndexedSample:
    """An index row, and the byte of the tar at which its sample must begin."""

    row: dict[str, Any]
    begin: int
    file: BinaryIO

    @property
    def members(self) -> dict[str, slice]:
        """Where the data of each member lie, in bytes from the sample's begin."""
        places, begin = {}, 0
        for ending in MEMBERS:
            if length := self.row[f"{ending}_length"]:
                places[ending] = slice(begin + BLOCK, begin + BLOCK + length)
            begin += space(length)
        return places

    @property
    def stop(self) -> int:
        return self.begin + sum(space(self.row[f"{ending}_length"]) for ending in MEMBERS)

    def fault(self, rules: SampleRules) -> str:
        """The fault of the sample; "" where there is none."""
        row, members = self.row, self.members
        offsets = {ending: self.begin + members[ending].start if ending in members else 0 for ending in MEMBERS}
        if any(row[f"{ending}_offset"] != offset for ending, offset in offsets.items()):
            return "its row points elsewhere than to where it lies"
        self.file.seek(self.begin)
        data = self.file.read(self.stop - self.begin)
        if zlib.crc32(data) != row["crc"]:
            return "its bytes differ from what was written"
        if fault := self._layout(data) or self._ids(data[members["npy"]], rules.vocabulary):
            return fault
        record = json.loads(data[members["json"]])
        flac, png = (data[members[ending]] if ending in members else b"" for ending in ("flac", "png"))
        return (
            self._record_fault(record)
            or _answer_fault(record, rules.answered)
            or latent_fault(record["segments"], flac, png, rules.encoders)
        )

    def _layout(self, data: bytes) -> str:
        """Compares the headers of the members with what a tar of this sample has."""
        for ending, place in self.members.items():
            name = f"{self.row['key']}.{ending}"
            if data[place.start - BLOCK : place.start] != header(name.encode("ascii"), self.row[f"{ending}_length"]):
                return f"its member {name} has another header"
        return ""

    def _ids(self, npy: bytes, vocabulary: int) -> str:
        tokens = self.row["tokens"]
        if len(npy) < 4 * tokens or npy[: -4 * tokens or None] != npy_header(tokens):
            return f"its ids are not {tokens:,} of int32, as the index says"
        ids = np.frombuffer(npy, np.int32, tokens, len(npy) - 4 * tokens)
        return "an id lies outside the vocabulary" if len(ids) and not 0 <= ids.min() <= ids.max() < vocabulary else ""

    def _record_fault(self, record: dict[str, Any]) -> str:
        """Compares the columns of the index with the sample's own JSON."""
        row = self.row
        if differing := [name for name in _COMPARED if record[name] != row[name]]:
            return f"its {differing[0]} is not the index's"
        if record["provenance"]["recording"] != row["recording"]:
            return "its recording is not the index's"
        if text_hash(record["text"]) != row["text_hash"]:
            return "its text is not the index's"
        segments = record["segments"]
        bounds = [bound for s in segments for bound in (s["begin"], s["end"])]
        if bounds[::2] != [0, *bounds[1:-1:2]] or bounds[-1] != row["tokens"]:
            return "its segments do not cover it once"
        if joined([b for s in segments if s["loss"] for b in (s["begin"], s["end"])]) != tuple(row["loss"]):
            return "its loss ranges are not the index's"
        counts = {m: sum(s["end"] - s["begin"] for s in segments if s["modality"] == m) for m in MODALITIES}
        differ = any(row[f"{modality}_tokens"] != count for modality, count in counts.items())
        return "its tokens by modality are not the index's" if differ else ""


def _answer_fault(record: dict[str, Any], answered: frozenset[str]) -> str:
    has, task = bool(record.get("answer")), record["task"]
    if has == (task in answered):
        return ""
    return (
        f"it has an answer, and the task {task} keeps none"
        if has
        else f"it has no answer, and the task {task} keeps one"
    )


@cache
def npy_header(tokens: int) -> bytes:
    """The header of an .npy file of this many ids."""
    return npy_bytes((0,) * tokens)[: -4 * tokens or None]
