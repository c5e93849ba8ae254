"""Whether thousands of samples of a tar agree with their index rows: the checks of deep.py, on columns instead of single samples.

is_whole(data, rows, begin=0, rules=SampleRules(vocabulary=2112))  ->  True; where it is False, deep.py finds the sample and its fault
"""

import io
import zlib
from collections.abc import Set
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json
from numpy.typing import NDArray

from weft.pipelines.latents import Encoders
from weft.schemas.sample import MODALITIES, npy_bytes, text_hash
from weft.schemas.tar import BLOCK, LONGEST_NAME, header, space

NPY_HEADER = 128  # bytes before the ids of an .npy file
_SEGMENT = pa.struct([("modality", pa.string()), ("begin", pa.int32()), ("end", pa.int32()), ("loss", pa.bool_())])
_PLAIN = ("key", "task", "source", "language", "speaker", "emotion", "licence", "split")
_JSON_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in _PLAIN),
        ("text", pa.string()),
        ("answer", pa.string()),
        ("level", pa.int16()),
        ("seconds", pa.float64()),
        ("segments", pa.list_(_SEGMENT)),
        ("bounds", pa.list_(pa.int32())),
        ("provenance", pa.struct([("recording", pa.string())])),
    ]
)


@dataclass(frozen=True)
class SampleRules:
    """What samples must keep to besides their rows: ids are below `vocabulary`, placeholders are those of the encoders, and
    samples of the tasks `answered`, by name, have an answer.
    """

    vocabulary: int
    encoders: Encoders = Encoders()
    answered: frozenset[str] = frozenset()


def is_whole(data: bytes, rows: pa.Table, begin: int, rules: SampleRules) -> bool:
    """`data` are the bytes of the tar from `begin` on, which the samples of the rows, of two members each, must fill without gaps."""
    json_length, npy_length = (rows[name].to_numpy().astype(np.int64) for name in ("json_length", "npy_length"))
    json_space, npy_space = space(json_length), space(npy_length)
    starts = np.cumsum(json_space + npy_space) - (json_space + npy_space)
    npy_starts = starts + json_space
    return (
        len(data) == int((json_space + npy_space).sum())
        and np.array_equal(rows["json_offset"].to_numpy(), begin + starts + BLOCK)
        and np.array_equal(rows["npy_offset"].to_numpy(), begin + npy_starts + BLOCK)
        and _crcs(data, [*starts.tolist(), len(data)]) == rows["crc"].to_pylist()
        and _headers(data, rows, starts, npy_starts)
        and _ids(data, rows, npy_starts + BLOCK, rules.vocabulary)
        and _json_matches(_json_table(data, starts + BLOCK, json_length), rows, rules.answered)
    )


def _crcs(data: bytes, bounds: list[int]) -> list[int]:
    view = memoryview(data)
    return [zlib.crc32(view[a:b]) for a, b in pairwise(bounds)]


def _headers(data: bytes, rows: pa.Table, starts: NDArray[np.int64], npy_starts: NDArray[np.int64]) -> bool:
    """Whether each member's header is as `tar.header` writes it."""
    data_bytes = np.frombuffer(data, np.uint8)
    return all(
        np.array_equal(
            data_bytes[places[:, None] + np.arange(BLOCK)],
            headers(rows["key"].to_pylist(), ending, rows[lengths].to_numpy()),
        )
        for ending, places, lengths in ((".json", starts, "json_length"), (".npy", npy_starts, "npy_length"))
    )


def headers(keys: list[str], ending: str, lengths: NDArray[np.int32]) -> NDArray[np.uint8]:
    """The headers of members, uint8 [n, 512]: those of `tar.header`, with what differs between members filled in by columns."""
    blocks = np.tile(np.frombuffer(header(b"", 0), np.uint8), (len(keys), 1))
    names = np.array([f"{key}{ending}".encode("ascii", "replace") for key in keys], f"S{LONGEST_NAME}")
    blocks[:, :LONGEST_NAME] = names.view(np.uint8).reshape(len(keys), LONGEST_NAME)
    blocks[:, 124:135] = _octal(lengths.astype(np.int64), 11)
    blocks[:, 148:156] = ord(" ")
    blocks[:, 148:154] = _octal(blocks.sum(axis=1, dtype=np.int64), 6)
    blocks[:, 154] = 0
    return blocks


def _octal(values: NDArray[np.int64], digits: int) -> NDArray[np.uint8]:
    """Octal digits in ASCII, uint8 [n, digits]."""
    return (((values[:, None] >> (3 * np.arange(digits)[::-1])) & 7) + ord("0")).astype(np.uint8)


def _ids(data: bytes, rows: pa.Table, starts: NDArray[np.int64], vocabulary: int) -> bool:
    """Whether each .npy member has its header, and ids of the vocabulary."""
    tokens = rows["tokens"].to_numpy().astype(np.int64)
    if not np.array_equal(rows["npy_length"].to_numpy(), NPY_HEADER + 4 * tokens):
        return False
    sizes, which = np.unique(tokens, return_inverse=True)
    as_written = np.stack([np.frombuffer(npy_bytes((0,) * int(n))[:NPY_HEADER], np.uint8) for n in sizes])
    if not np.array_equal(np.frombuffer(data, np.uint8)[starts[:, None] + np.arange(NPY_HEADER)], as_written[which]):
        return False
    first = (starts + NPY_HEADER) // 4
    places = np.repeat(first - (np.cumsum(tokens) - tokens), tokens) + np.arange(tokens.sum())
    every = np.frombuffer(data, np.int32)[places]
    return not len(every) or bool(every.min() >= 0 and every.max() < vocabulary)


def _json_table(data: bytes, starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> pa.Table | None:
    """The samples' JSON as columns; None where it cannot be read."""
    lines = b"\n".join([data[a : a + n] for a, n in zip(starts.tolist(), lengths.tolist(), strict=True)])
    options = pyarrow.json.ParseOptions(explicit_schema=_JSON_SCHEMA, unexpected_field_behavior="ignore")
    blocks = pyarrow.json.ReadOptions(use_threads=False, block_size=max(1 << 20, len(lines) + 1))
    try:
        return pyarrow.json.read_json(io.BytesIO(lines), blocks, options)
    except pa.ArrowInvalid:
        return None


def _json_matches(json_table: pa.Table | None, rows: pa.Table, answered: Set[str]) -> bool:
    """Whether the columns of the index agree with the samples' JSON, and those of the tasks `answered` alone have an answer."""
    if (
        json_table is None
        or len(json_table) != len(rows)
        or not all(json_table[name].equals(rows[name]) for name in (*_PLAIN, "level", "seconds"))
    ):
        return False
    if not pc.struct_field(json_table["provenance"], "recording").equals(rows["recording"]):
        return False
    if not json_table["bounds"].equals(rows["bounds"]):
        return False
    has_answer = [bool(answer) for answer in json_table["answer"].to_pylist()]
    if has_answer != [task in answered for task in rows["task"].to_pylist()]:
        return False
    hashes = [text_hash(text) for text in json_table["text"].to_pylist()]
    return hashes == rows["text_hash"].to_pylist() and _segments(json_table["segments"].combine_chunks(), rows)


def _segments(segments: pa.ListArray, rows: pa.Table) -> bool:
    """Whether segments cover each sample once and agree with its loss ranges and its tokens by modality."""
    offsets, flat = segments.offsets.to_numpy(), segments.flatten()
    begins, ends = (pc.struct_field(flat, name).to_numpy(zero_copy_only=False) for name in ("begin", "end"))
    first, last = offsets[:-1], offsets[1:] - 1
    if (offsets[1:] <= first).any() or (begins[first] != 0).any() or (ends[last] != rows["tokens"].to_numpy()).any():
        return False
    inner = np.ones(len(begins), np.bool_)
    inner[first] = False
    if (begins[inner] != ends[np.flatnonzero(inner) - 1]).any():
        return False
    sample = np.repeat(np.arange(len(rows)), np.diff(offsets))
    modality = pc.struct_field(flat, "modality")
    for name in MODALITIES:
        mine = pc.equal(modality, name).to_numpy(zero_copy_only=False)
        if not np.array_equal(
            np.bincount(sample, (ends - begins) * mine, len(rows)), rows[f"{name}_tokens"].to_numpy()
        ):
            return False
    counted = pc.struct_field(flat, "loss").to_numpy(zero_copy_only=False)
    opens, closes = counted & ~(np.roll(counted, 1) & inner), counted & ~np.roll(counted & inner, -1)
    loss = rows["loss"].combine_chunks()
    bounds = np.stack([begins[opens], ends[closes]], axis=1).reshape(-1)
    return np.array_equal(
        2 * np.bincount(sample[opens], minlength=len(rows)), np.diff(loss.offsets.to_numpy())
    ) and np.array_equal(bounds, loss.flatten().to_numpy())
