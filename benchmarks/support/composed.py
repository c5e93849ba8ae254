"""Composed parts and shards of realistic samples, made without audio: what the shard and loader benchmarks read.

stage(1e9, {"words": 1.0})    a training stage that is nothing but a mixture
sample("words", 7, part=3)    a ShardSample row, about 4 kB in a shard (json, npy, headers, padding)
"""

import itertools
from random import Random

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from weft.pipelines.mixing import shards
from weft.pipelines.mixing.index import write_index
from weft.pipelines.mixing.order import write_order
from weft.pipelines.mixing.plan import plan
from weft.pipelines.mixing.plan_files import read_tars
from weft.pipelines.mixing.plan_request import PlanRequest
from weft.pipelines.parts.tables import part_name, write_table
from weft.pipelines.storage.footer import Footer
from weft.pipelines.storage.store import Store
from weft.schemas.fingerprint import hash64
from weft.schemas.plan import Tar, node_of
from weft.schemas.sample import Provenance, Sample, SampleSegment, ShardSample
from weft.schemas.table import arrow_schema, to_table
from weft.schemas.training import TrainingStage

STAGE = "pretrain"
PART = 1000  # samples a part, as in a recipe by default
DISTINCT = 20  # parts a task with samples of their own
CONTEXT = 2048


def stage(total: float, shares: dict[str, float], unit: str = "tokens", exhausted: str = "stop") -> TrainingStage:
    """A training stage with nothing but a mixture."""
    return TrainingStage.model_validate(
        {
            "mixture": {"unit": unit, "total": total, "shares": shares, "exhausted": exhausted},
            "context": CONTEXT,
            "model": {"config": {"model_type": "llama"}},
            "optimiser": {"lr": 1e-3, "batch_tokens": 8 * CONTEXT},
        }
    )


def sample(task: str, number: int, part: int) -> ShardSample:
    """About 250 tokens, woven of spans of text and speech where the task is `words`."""
    random = Random(f"{task} {part} {number}")
    length = random.randint(180, 320)
    key = f"{task}-{part:05d}-{number:04d}"
    return Sample(
        key=key,
        parent=key,
        task=task,
        source="made",
        seconds=length / 20,
        ids=tuple(random.choices(range(2000), k=length)),
        segments=_segments(task, length),
        text="what was said in it " * (length // 30),
        language="en",
        speaker=f"speaker {number % 48}",
        emotion="neutral",
        licence="CC0-1.0",
        split="train",
        provenance=Provenance(
            recording=key,
            path="a.wav",
            split="",
            sha256=f"{number:064x}",
            start=0.0,
            end=length / 20,
            segmenter="whole",
            transcriber="given",
            aligner="sphinx pocketsphinx-5.1.1",
            tokenizers=("hubert-1",),
        ),
    ).for_shard(hash64(key) >> 1)


def _segments(task: str, length: int) -> tuple[SampleSegment, ...]:
    kinds = ("text", "speech") if task == "words" else (task,)
    bounds = [*range(0, length - 30, 45), length] if task == "words" else [0, length]
    spans = itertools.pairwise(bounds)
    return tuple(
        SampleSegment(
            modality=kinds[n % len(kinds)],
            role=kinds[n % len(kinds)],
            begin=a,
            end=b,
            start=a / 20,
            stop=b / 20,
            loss=True,
        )
        for n, (a, b) in enumerate(spans)
    )


def counted(seconds: np.ndarray, part: int = 0) -> pa.Table:
    """A composed part of which only the counts that a plan reads are filled in, at 25 tokens a second. No two `part`s share a place."""
    count = len(seconds)
    places = np.sort(np.random.default_rng([count, part]).integers(0, 1 << 62, count))
    lengths = np.rint(25 * seconds).astype(np.int32)
    filled = {
        "tokens": lengths, "seconds": seconds, "place": places,
        "digest": np.arange(count), "json_length": np.full(count, 1400, np.int32), "npy_length": 128 + 4 * lengths,
        "flac_length": np.zeros(count, np.int32), "png_length": np.zeros(count, np.int32),
        "language": ["en"] * count, "emotion": [""] * count, "speaker": [f"s{n % 48}" for n in range(count)],
    }  # fmt: skip
    schema = arrow_schema(ShardSample)
    columns = [pa.array(filled[f.name], f.type) if f.name in filled else pa.nulls(count, f.type) for f in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def write_composed(store: Store, name: str, table: pa.Table) -> None:
    write_table(store, name, table, Footer("made-1", "made-1"))


def write_parts(store: Store, tasks: tuple[str, ...], parts: int, shard_bytes: float) -> None:
    """`parts` composed parts a task, and their order. Parts after DISTINCT have the members of those before them, at other places:
    samples of one place would be repeats of one key, which are numbered one by one.
    """
    for task in tasks:
        node = node_of(task, 0, "made")
        tables = [_part(task, part) for part in range(min(parts, DISTINCT))]
        for part in range(parts):
            copy, distinct = divmod(part, DISTINCT)
            table = tables[distinct]
            moved = table.set_column(table.schema.names.index("place"), "place", pc.add(table["place"], copy))
            write_composed(store, part_name(node, part), moved)
        write_order(store, node, parts, shard_bytes, {}, node.rpartition("/")[2])


def _part(task: str, part: int) -> pa.Table:
    return to_table(sorted((sample(task, n, part) for n in range(PART)), key=lambda row: row.place), ShardSample)


def planned(store: Store, tasks: tuple[str, ...], parts: int, shard_bytes: float) -> list[Tar]:
    """The tars of a plan over `parts` composed parts a task."""
    write_parts(store, tasks, parts, shard_bytes)
    settings = stage(1e12, dict.fromkeys(tasks, 1.0))
    plan(store, PlanRequest(STAGE, settings, {(task, "made"): 1 for task in tasks}), {})
    return read_tars(store, STAGE)


def write_all(store: Store, tasks: tuple[str, ...], parts: int, shard_bytes: float) -> int:
    """Every tar of the plan and the index; returns the number of draws."""
    for tar in planned(store, tasks, parts, shard_bytes):
        shards.write_shard(store, STAGE, tar)
    return write_index(store, STAGE, {"version": "made-1"})
