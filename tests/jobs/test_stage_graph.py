"""Along each path of the stage graph no sample is drawn twice before its data end, and no stage has anything of held-out speakers.

pre ─┬─ mid ─ end
     └─ branch
"""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from weft.jobs.build import build
from weft.jobs.commands import read_pipeline
from weft.jobs.engine import LocalEngine
from weft.pipelines.audio.sound import flac
from weft.pipelines.mixing.audit import audit
from weft.pipelines.storage.store import Store
from weft.pipelines.voices.base import Style
from weft.pipelines.voices.espeak import Voice
from weft.pipelines.writers.grammar import documents, sentences

SPEAKERS, EACH, DOCUMENTS = 8, 4, 24
PATHS = (("pre", "mid", "end"), ("pre", "branch"))
Rows = list[dict[str, Any]]


def stage(samples: int, shares: dict[str, int], *after: str) -> dict[str, Any]:
    mixture = {
        "unit": "samples", "total": samples, "shares": shares, "exhausted": "repeat", "passes": 9, "after": list(after),
    }  # fmt: skip
    return {
        "mixture": mixture, "context": 256, "model": {"config": {"model_type": "llama"}},
        "optimiser": {"lr": 1e-3, "batch_tokens": 256},
    }  # fmt: skip


def recipe(root: Path) -> dict[str, Any]:
    turns = [{"role": "human", "say": "cepstra"}, {"role": "assistant", "say": "text"}]
    return {
        "name": "graph",
        "part_size": 8,
        "sources": {
            "read": {"use": "manifest", "path": str(root / "read.jsonl"), "hold_out": {"speakers": 0.4}},
            "books": {"use": "text", "path": str(root / "books.txt"), "documents": "paragraph"},
        },
        "align": {"use": "none"},
        "tokenizers": {"cepstra": {"use": "cepstra", "size": 8, "rate": 25, "sources": ["read"]}},
        "text": {"use": "bpe", "size": 300, "sources": ["books"]},
        "tasks": {
            "speech": {"use": "speech", "sources": ["read"]},
            "asr": {"use": "turns", "sources": ["read"], "turns": turns},
            "text": {"use": "text", "sources": ["books"]},
        },
        "training": {
            "end": stage(60, {"speech": 1, "text": 1}, "mid"),
            "pre": stage(18, {"speech": 1, "text": 2}),
            "mid": stage(30, {"speech": 2, "asr": 1, "text": 2}, "pre"),
            "branch": stage(40, {"speech": 1, "asr": 2}, "pre"),
        },
    }


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root, voice = tmp_path_factory.mktemp("graph"), Voice()
    lines = []
    for n, sentence in enumerate(sentences(SPEAKERS * EACH, 3)):
        speech = voice.speak(sentence, Style("gmw/en-US", "f2" if n % 2 else "edward"))
        (root / f"{n:02d}.flac").write_bytes(flac(speech.samples, speech.rate))
        lines.append(json.dumps({"audio": f"{n:02d}.flac", "text": sentence, "speaker": f"s{n % SPEAKERS}"}))
    (root / "read.jsonl").write_text("\n".join(lines))
    (root / "books.txt").write_text("\n\n".join(documents(DOCUMENTS, 3)))
    (root / "recipe.yaml").write_text(yaml.safe_dump(recipe(root), sort_keys=False))
    pipeline, store = read_pipeline(str(root / "recipe.yaml")), Store(str(root / "corpus"))
    build(pipeline, store, LocalEngine(store), lambda event: None, lambda works: None)
    assert audit(store, pipeline, deep=True).faults == ()
    return root / "corpus"


def drawn(corpus: Path, *stages: str) -> Rows:
    """The draws of stages in the order of the stream."""
    return [row for stage in stages for row in pq.read_table(corpus / "shards" / stage / "index.parquet").to_pylist()]


def speakers(corpus: Path, split: str) -> list[str]:
    """The speaker of each utterance of a split."""
    tables = (pq.read_table(file) for file in (corpus / "segment" / "read").glob("*.parquet"))
    return [row["speaker"] for table in tables for row in table.to_pylist() if row["split"] == split]


@pytest.mark.parametrize("path", PATHS, ids="-".join)
def test_no_sample_is_drawn_twice_on_a_path_before_its_data_end(corpus: Path, path: tuple[str, ...]) -> None:
    rows, utterances = drawn(corpus, *path), len(speakers(corpus, "train"))
    sizes = {"speech": utterances, "asr": utterances, "text": DOCUMENTS}
    for task, size in sizes.items():
        keys = [row["parent"] for row in rows if row["task"] == task]
        for begin in range(0, len(keys), size):
            once = keys[begin : begin + size]
            assert len(set(once)) == len(once), (task, begin)
    assert any(sum(row["task"] == task for row in rows) > size for task, size in sizes.items())  # some data begin again


def test_a_stage_goes_on_where_the_one_before_ended_and_branches_draw_the_same(corpus: Path) -> None:
    for stage in ("mid", "branch"):
        first = {row["parent"] for row in drawn(corpus, "pre") if row["task"] == "speech"}
        after = [row["parent"] for row in drawn(corpus, stage) if row["task"] == "speech"]
        assert first and after and not first & set(after[:5])
    mid, branch = ([r["parent"] for r in drawn(corpus, s) if r["task"] == "speech"] for s in ("mid", "branch"))
    common = min(len(mid), len(branch))
    assert mid[:common] == branch[:common]


def test_nothing_of_held_out_speakers_is_in_any_stage(corpus: Path) -> None:
    held = set(speakers(corpus, "validation"))
    assert 2 <= len(held) < SPEAKERS
    rows = drawn(corpus, "pre", "mid", "end", "branch")
    seen = {row["speaker"] for row in rows if row["source"] == "read"}
    assert seen and not seen & held and seen | held == {f"s{n}" for n in range(SPEAKERS)}
    assert {row["split"] for row in rows} == {"train"}
    aside = drawn(corpus, "validation")
    assert {row["speaker"] for row in aside} == held
    parents = {row["parent"] for row in aside}
    assert not parents & {row["parent"] for row in rows}
