"""A tiny shard folder, made with nothing but tarfile and pyarrow: two tars, row groups of seven draws."""

import io
import json
import tarfile
import zlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from weft.schemas.sample import npy_bytes
from weft.schemas.shard import IndexRow
from weft.schemas.table import to_table
from weft.schemas.training import TrainingStage
from weft.schemas.vocabulary import Vocabulary

Toy = tuple[str, Sequence[int], tuple[int, ...]] | tuple[str, Sequence[int], tuple[int, ...], tuple[int, ...]]
LLAMA = {
    "model_type": "llama", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
    "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 64,
}  # fmt: skip


def write_shards(
    folder: Path,
    samples: Sequence[Toy],
    group: int = 7,
    split: str = "train",
    answers: Sequence[str] = (),
    records: Sequence[bytes] = (),
) -> Path:
    """Samples are (task, ids, flat loss bounds) and begins of documents, if any. They go into two tars turn by turn, as draws of two
    tasks would. `answers` are those of prompts, `records` whole KEY.json.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = ["train-000000.tar", "train-000001.tar"]
    texts = answers or [""] * len(samples)
    whole = records or [json.dumps({"answer": answer}).encode() for answer in texts]
    with ExitStack() as stack:
        tars = [stack.enter_context(tarfile.open(folder / n, "w", format=tarfile.USTAR_FORMAT)) for n in names]
        rows = [
            _add_sample(tars[n % 2], names[n % 2], f"s{n:04d}", sample, split, whole[n])
            for n, sample in enumerate(samples)
        ]
    data = {name: (folder / name).read_bytes() for name in names}
    rows = [replace(row, crc=zlib.crc32(data[row.shard][row.span])) for row in rows]
    pq.write_table(to_table(rows, IndexRow), folder / "index.parquet", row_group_size=group)
    return folder


def _add_sample(tar: tarfile.TarFile, shard: str, key: str, sample: Toy, split: str, record: bytes) -> IndexRow:
    task, ids, loss, *bounds = sample
    json_offset, json_length = _add(tar, f"{key}.json", record)
    npy_offset, npy_length = _add(tar, f"{key}.npy", npy_bytes(tuple(ids)))
    return IndexRow(
        key=key, parent="", recording="", task=task, source="toy", seconds=0.0, tokens=len(ids), text_tokens=len(ids),
        speech_tokens=0, audio_tokens=0, image_tokens=0, loss=loss,
        language="", speaker="", emotion="", level=0, licence="", split=split, text_hash="", crc=0,
        bounds=bounds[0] if bounds else (), shard=shard,
        json_offset=json_offset, json_length=json_length, npy_offset=npy_offset, npy_length=npy_length,
        flac_offset=0, flac_length=0, png_offset=0, png_length=0,
    )  # fmt: skip


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> tuple[int, int]:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))
    return tar.offset - -(-len(data) // 512) * 512, len(data)


@pytest.fixture
def make_shards(tmp_path: Path) -> Callable[..., Path]:
    return lambda samples, name="shards", **options: write_shards(tmp_path / name, samples, **options)


@pytest.fixture
def samples() -> list[Toy]:
    """100 samples of two learnable tasks: `up` counts up by one, `down` down, among ids 1 to 39; some are long."""
    made: list[Toy] = []
    for n in range(100):
        length = 40 if n % 17 == 0 else 3 + n % 11
        ids = [(n + (t if n % 3 else -t)) % 39 + 1 for t in range(length)]
        made.append(("up" if n % 3 else "down", ids, (0, length) if n % 5 else (1, 2, 2, length)))
    return made


@pytest.fixture
def vocabulary() -> Vocabulary:
    return Vocabulary(text_size=40, bos=None, markers=(), codebooks=(), size=48, text_fingerprint="toy")


@pytest.fixture
def make_stage() -> Callable[..., TrainingStage]:
    """A stage of blocks of 16 tokens, 4 a batch, with settings of the optimiser to change."""

    def make(dtype: str = "float32", checkpoint_every: int = 4, **optimiser: object) -> TrainingStage:
        return TrainingStage.model_validate(
            {
                "mixture": {"total": 1000, "shares": {"up": 2, "down": 1}},
                "context": 16,
                "model": {"config": LLAMA, "dtype": dtype},
                "optimiser": {"lr": 1e-2, "batch_tokens": 64, **optimiser},
                "checkpoint_every": checkpoint_every,
            }
        )

    return make


@pytest.fixture
def make_prompt_stage() -> Callable[..., TrainingStage]:
    """A stage that learns from replies, by the settings of its objective."""

    def make(objective: dict[str, object], checkpoint_every: int = 100, **more: object) -> TrainingStage:
        return TrainingStage.model_validate(
            {
                "mixture": {"unit": "samples", "total": 1000, "shares": {"ask": 1}},
                "context": 16,
                "model": {"config": LLAMA},
                "optimiser": {"lr": 1e-2, "weight_decay": 0.0},
                "objective": objective,
                "checkpoint_every": checkpoint_every,
                **more,
            }
        )

    return make


@pytest.fixture
def llama() -> dict[str, object]:
    return dict(LLAMA)
