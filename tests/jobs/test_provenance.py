"""From any sample back to the recording it is of, its licence, and every model that touched it."""

import hashlib
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile
import yaml

from weft.jobs.build import build
from weft.jobs.commands import read_pipeline
from weft.jobs.engine import LocalEngine
from weft.pipelines.storage.store import Store


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory, material: Path) -> Path:
    """Every other recording without a transcript, so that it is transcribed."""
    root = tmp_path_factory.mktemp("named")
    rows = []
    for number, path in enumerate(sorted((material / "raw").glob("*.flac"))):
        (root / path.name).write_bytes(path.read_bytes())
        output = {"text": path.with_suffix(".txt").read_text()} if number % 2 else {}
        labels = {"speaker": f"s{number % 3}", "licence": "CC-BY-4.0", "split": "train", "language": "en"}
        rows.append(json.dumps({"audio": path.name, **labels, **output}))
    (root / "all.jsonl").write_text("\n".join(rows))
    return root / "all.jsonl"


def samples_of(shards: Path) -> list[dict]:
    found = []
    for tar in sorted(shards.glob("*.tar")):
        with tarfile.open(tar) as opened:
            found += [json.load(opened.extractfile(m)) for m in opened if m.name.endswith(".json")]  # type: ignore[arg-type]
    return found


def test_a_sample_says_what_it_is_of_and_who_made_it(
    tmp_path: Path, manifest: Path, write_recipe: Callable[..., Path]
) -> None:
    sources = {"speech": {"use": "manifest", "path": str(manifest)}}
    tasks = {"words": {"use": "words", "sources": ["speech"], "text_words": [1, 3], "speech_words": [1, 3]}}
    recipe = write_recipe(
        tmp_path / "recipe.yaml", sources=sources, tasks=tasks, text={"use": "bpe", "size": 300},
        transcribe={"use": "pocketsphinx", "min_confidence": 0.0}, quality={},
    )  # fmt: skip
    mixture = {"total": 400, "shares": {"words": 1}, "exhausted": "repeat", "passes": 9}
    output = yaml.safe_load(recipe.read_text())
    output["training"]["pretrain"]["mixture"] = mixture
    recipe.write_text(yaml.safe_dump(output))
    pipeline, store = read_pipeline(str(recipe)), Store(str(tmp_path / "corpus"))
    build(pipeline, store, LocalEngine(store), lambda event: None, lambda works: None)
    samples = samples_of(tmp_path / "corpus" / "shards" / "pretrain")
    assert len(samples) > 4
    writers = set()
    for output in samples:
        provenance = output["provenance"]
        recording = manifest.parent / provenance["path"]
        samples_there, rate = soundfile.read(recording)
        assert hashlib.sha256(recording.read_bytes()).hexdigest() == provenance["sha256"]
        assert 0 <= provenance["start"] < provenance["end"] <= len(samples_there) / rate + 1e-6
        assert (output["licence"], output["language"], provenance["split"]) == ("CC-BY-4.0", "en", "train")
        assert provenance["segmenter"] == "whole"
        assert provenance["aligner"].startswith("adapted pocketsphinx-5")
        (tokenizer,) = provenance["tokenizers"]
        assert "transformers" in tokenizer or "hubert" in tokenizer
        writers.add(provenance["transcriber"].split("-")[0])
    assert writers <= {"given", "pocketsphinx pocketsphinx"}
    assert "given" in writers
