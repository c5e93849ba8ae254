"""What `weft plan` estimates of tasks over whole recordings, beside what a build makes of them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from weft.jobs.build import build
from weft.jobs.commands import read_pipeline
from weft.jobs.engine import LocalEngine
from weft.jobs.estimates import Use
from weft.jobs.forecast import source_sizes
from weft.jobs.source_sizes import SourceSize
from weft.pipelines.audio.sound import flac
from weft.pipelines.graph import Pipeline
from weft.pipelines.storage.store import Store
from weft.pipelines.voices.base import Style
from weft.pipelines.voices.espeak import Voice
from weft.pipelines.writers.grammar import sentences

LENGTHS = (1, 1, 1, 1, 2, 5, 8)  # utterances of each recording
MOST = {"to-text": 1.6}  # text alone: the voice is quicker than the typical 2.5 words a second
PAUSE = 2.0  # seconds between two, which are in no sample
SPEECH = {"open": "speech", "close": "end"}
TASKS: dict[str, dict[str, Any]] = {
    "groups": {
        "use": "utterances",
        "speech": {"say": {"of": ["text", "codes"], "sizes": [1, 4], "text_pad": "pad"}, **SPEECH},
    },
    "chunks": {"use": "utterances", "speech": {"say": "codes", **SPEECH}, "chunk": {"utterances": 2}},
    "codes": {"use": "continuation", "say": "codes", **SPEECH},
    "to-text": {"use": "continuation", "say": "text", "prompt": {"say": "audio", "utterances": 1}},
}
MARKERS = [
    *({"marker": name, "literal": f"[{name}]", "modality": "speech"} for name in ("speech", "end")),
    *({"marker": f"audio-{n}", "literal": f"[audio-{n}]", "modality": "audio"} for n in ("start", "patch", "end")),
    {"marker": "pad", "literal": "[pad]"},
    {"codes": "codes"},
]  # fmt: skip


def speak(folder: Path) -> None:
    """Recordings of several sentences, in a manifest with a line for each."""
    voice, texts, lines = Voice(), iter(list(sentences(sum(LENGTHS), 5))), []
    for number, length in enumerate(LENGTHS):
        pieces, at = [], 0.0
        for _ in range(length):
            text = next(texts)
            speech = voice.speak(text, Style("gmw/en-US", "f2"))
            seconds = len(speech.samples) / speech.rate
            lines.append({"audio": f"{number}.flac", "offset": at, "duration": seconds, "text": text})
            pieces += [speech.samples, np.zeros(round(PAUSE * speech.rate), np.float32)]
            at += seconds + PAUSE
        (folder / f"{number}.flac").write_bytes(flac(np.concatenate(pieces), speech.rate))
    (folder / "talks.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def recipe(folder: Path) -> str:
    stage = {
        "mixture": {"unit": "tokens", "total": 1000, "shares": dict.fromkeys(TASKS, 1), "exhausted": "stop"},
        "context": 512, "model": {"config": {"model_type": "llama"}}, "optimiser": {"lr": 1.0, "batch_tokens": 512},
    }  # fmt: skip
    whole = {
        "name": "talks",
        "sources": {"talks": {"use": "manifest", "path": str(folder / "talks.jsonl")}},
        "align": {"use": "none"},
        "tokenizers": {"codes": {"use": "cepstra", "size": 8, "rate": 25, "dedup": False}},
        "text": {"use": "bpe", "size": 500},
        "encoder": {"use": "step_audio"},
        "vocabulary": {"tokens": MARKERS},
        "tasks": {name: {"sources": ["talks"], **task} for name, task in TASKS.items()},
        "training": {"pre": stage},
    }
    (folder / "r.yaml").write_text(yaml.safe_dump(whole, sort_keys=False))
    return str(folder / "r.yaml")


@pytest.fixture(scope="module")
def talks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Pipeline, SourceSize, Path]:
    """A corpus, and what its source was estimated to hold before."""
    root = tmp_path_factory.mktemp("talks")
    speak(root)
    pipeline, store = read_pipeline(recipe(root)), Store(str(root / "corpus"))
    held = source_sizes(pipeline, 100)["talks"]
    build(pipeline, store, LocalEngine(store), lambda event: None, lambda works: None)
    return pipeline, held, root / "corpus"


def test_recordings_are_counted_by_their_utterances(talks: tuple[Pipeline, SourceSize, Path]) -> None:
    _, held, corpus = talks
    utterances = pq.read_table(corpus / "segment/talks")
    assert held.lengths == {1: 4, 2: 1, 5: 1, 8: 1} and held.records == len(utterances) == sum(LENGTHS)
    seconds = sum(row["end"] - row["start"] for row in utterances.to_pylist())
    assert held.seconds == pytest.approx(seconds, rel=1e-3)


@pytest.mark.parametrize("task", TASKS)
def test_a_pass_supplies_what_was_estimated(talks: tuple[Pipeline, SourceSize, Path], task: str) -> None:
    pipeline, held, corpus = talks
    made = pq.read_table(corpus / "compose" / task / "pass-0/talks", columns=["tokens", "seconds"]).to_pylist()
    use, stage = Use(pipeline, task, "talks"), pipeline.recipe.training["pre"]
    ratio = sum(row["tokens"] for row in made) / use.tokens(held)
    for unit, amount in (("samples", len(made)), ("seconds", sum(row["seconds"] for row in made))):
        of = stage.model_copy(update={"mixture": stage.mixture.model_copy(update={"unit": unit})})
        assert use.amount(of, held) == pytest.approx(amount, rel=0.1)
    assert 0.8 < ratio < MOST.get(task, 1.25)
