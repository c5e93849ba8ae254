"""A user's own lines of every kind, as docs/data.md and docs/dialogues.md show them, are built into the tasks shown beside them."""

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from tokenizers import Tokenizer

from tests.jobs.test_data_page import LINES, SCRIPTS, SPEECH, TASKS, is_of, without_tags
from tests.jobs.test_dialogues_page import PAGE
from tests.jobs.test_images import png
from weft.jobs.build import build
from weft.jobs.commands import read_pipeline
from weft.jobs.engine import LocalEngine
from weft.jobs.forecast import source_sizes, supplies
from weft.pipelines.audio.sound import flac
from weft.pipelines.mixing.audit import audit
from weft.pipelines.storage.store import Store
from weft.schemas.shard import IndexRow
from weft.schemas.table import from_table

KINDS = {**LINES, "dialogues": PAGE.split("```jsonl\n")[1].split("```")[0]}
EACH = 9  # samples of each kind in the stream: one of the ten dialogues says `split: validation`
MARKERS = [
    *({"marker": f"image-{n}", "literal": f"[image-{n}]", "modality": "image"} for n in ("start", "patch", "end")),
    {"codes": "codes"},
]  # fmt: skip


@dataclass(frozen=True)
class Made:
    """A sample: the text of its record, what the model is given and what it must say, with `~` for what is not text."""

    text: str
    given: str
    target: str

    def is_of(self, line: dict[str, Any]) -> bool:
        """Whether it was made of a line."""
        last = line["turns"][-1] if "turns" in line else line
        return without_tags(last.get("text", "")) in self.text and is_of(line, self.given, self.target)


def recipe(folder: Path) -> dict[str, Any]:
    kinds = (
        dict.fromkeys(KINDS, "text")
        | dict.fromkeys(SPEECH, "manifest")
        | dict.fromkeys((*SCRIPTS, "dialogues"), "script")
    )
    mixture = {"unit": "samples", "total": EACH * len(KINDS), "shares": dict.fromkeys(KINDS, 1)}
    stage = {"mixture": mixture, "context": 512, "model": {"config": {"model_type": "llama"}}}
    return {
        "name": "own",
        "sources": {kind: {"use": use, "path": str(folder / f"{kind}.jsonl")} for kind, use in kinds.items()},
        "align": {"use": "none"},
        "synthesize": {"use": "espeak", "language": "en"},
        "tokenizers": {"codes": {"use": "cepstra", "size": 8, "sources": ["translations"]}},
        "text": {"use": "bpe", "size": 400, "sources": ["checkable", "choices"]},
        "image_encoder": {"use": "grid", "size": 64, "patch": 32},
        "vocabulary": {"tokens": MARKERS},
        "tasks": {kind: {"sources": [kind], **yaml.safe_load(TASKS[kind])} for kind in KINDS},
        "training": {"pre": {**stage, "optimiser": {"lr": 1.0, "batch_tokens": 512}}},
    }


def write(folder: Path) -> str:
    clip = flac((np.sin(np.arange(20000) / 20) * 0.5).astype(np.float32), 16000)
    for place, ending, content in (("clips", "flac", clip), ("pictures", "png", png(9, 9, 100))):
        (folder / place).mkdir()
        for n in range(1, 11):
            (folder / place / f"{n:02d}.{ending}").write_bytes(content)
    for kind, lines in KINDS.items():
        (folder / f"{kind}.jsonl").write_text(lines, "utf-8")
    (folder / "own.yaml").write_text(yaml.safe_dump(recipe(folder), sort_keys=False))
    return str(folder / "own.yaml")


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Made]]:
    """By task, in the order of the stream."""
    root = tmp_path_factory.mktemp("own")
    pipeline, store = read_pipeline(write(root)), Store(str(root / "corpus"))
    build(pipeline, store, LocalEngine(store), lambda event: None, lambda works: None)
    assert audit(store, pipeline, deep=True).faults == ()
    text, made = Tokenizer.from_file(str(root / "corpus/vocabulary/tokenizer.json")), defaultdict(list)
    for row in from_table(pq.read_table(root / "corpus/shards/pre/index.parquet"), IndexRow):
        made[row.task].append(_read(root / "corpus/shards/pre", row, text))
    return made


def _read(shards: Path, row: IndexRow, text: Tokenizer) -> Made:
    data = (shards / row.shard).read_bytes()
    record = json.loads(data[row.json_offset :][: row.json_length])
    ids = np.frombuffer(data[row.npy_offset + row.npy_length - 4 * row.tokens :][: 4 * row.tokens], np.int32).tolist()
    said = ["", ""]
    for wanted in (False, True):
        spans = [s for s in record["segments"] if s["loss"] is wanted]
        written = [i for s in spans if s["modality"] == "text" for i in ids[s["begin"] : s["end"]]]
        said[wanted] = text.decode(written) + "~" * any(s["modality"] != "text" for s in spans)
    return Made(text=record["text"], given=said[False], target=said[True] or record["answer"])


@pytest.mark.parametrize("kind", KINDS)
def test_lines_are_built_into_samples_of_their_task(samples: dict[str, list[Made]], kind: str) -> None:
    lines = [json.loads(line) for line in KINDS[kind].splitlines()]
    assert len(lines) == 10 and len(samples[kind]) == EACH
    for sample in samples[kind]:
        lines.remove(next(line for line in lines if sample.is_of(line)))


def test_the_plan_counts_as_many_samples_as_the_lines_give(tmp_path: Path) -> None:
    pipeline = read_pipeline(write(tmp_path))
    counted = {one.task: one.has for one in supplies(pipeline, "pre", source_sizes(pipeline, 1000))}
    assert counted == {kind: EACH if kind == "dialogues" else 10 for kind in KINDS}
